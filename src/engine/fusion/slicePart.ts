import { sizeOf } from "../../base/tensors.ts";
import type { Node, NodeOf } from "../graph/graph.ts";

/** A slice as it lies in the tensor that it was cut from: runs of elements, equally far apart. */
export interface SlicePart {
  readonly whole: Node;
  /** First element of the first run. */
  readonly start: number;
  /** Elements of a run. */
  readonly run: number;
  /** Elements from one run to the next. */
  readonly pitch: number;
}

/** Where a slice lies; undefined where it is cut along several axes, or takes not every element of a run. */
export function slicePart({ attrs: { begin, size, step }, inputs }: NodeOf<"slice">): SlicePart | undefined {
  const whole = inputs[0] as Node;
  const cut = size.flatMap((side, axis) => (side === whole.shape[axis] ? [] : [axis]));
  const [axis = 0, ...others] = cut;
  if (others.length > 0 || step.some((by) => by !== 1)) return undefined;
  const inner = sizeOf(whole.shape.slice(axis + 1));
  return {
    whole,
    start: (begin[axis] ?? 0) * inner,
    run: (size[axis] ?? 1) * inner,
    pitch: (whole.shape[axis] ?? 1) * inner,
  };
}

/**
 * Strides over a dense slice as strides over the tensor it was cut from; undefined where a side of the space begins in
 * one run and ends in another, or the columns do not lie side by side.
 */
export function stridesInWhole(
  sides: readonly number[],
  strides: readonly number[],
  { run, pitch }: SlicePart,
): number[] | undefined {
  const inRun = strides.map((stride, axis) => (stride % run === 0 ? 0 : stride * ((sides[axis] ?? 1) - 1)));
  if (inRun.reduce((sum, elements) => sum + elements, 0) >= run) return undefined;
  const inWhole = strides.map((stride) => (stride % run === 0 ? (stride / run) * pitch : stride));
  return (inWhole.at(-1) ?? 1) > 1 ? undefined : inWhole;
}
