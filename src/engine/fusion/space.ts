import { assert } from "../../base/errors.ts";
import { sizeOf } from "../../base/tensors.ts";
import type { Shape } from "../graph/shapes.ts";

/**
 * The places that a loop visits, as sides so fine that each side of every tensor it touches is a run of them.
 * Found from shapes of one size: [1024, 384] and [16, 64, 384] give [16, 64, 384].
 */
export function commonSides(shapes: readonly Shape[]): number[] | undefined {
  const places = Math.max(...shapes.map(sizeOf));
  // Products of the last sides, of every shape, from the smallest; each must divide the next.
  const cuts = new Set([1, places]);
  for (const shape of shapes) {
    let product = 1;
    for (const side of shape.toReversed()) {
      product *= side;
      cuts.add(product);
    }
  }
  const ordered = [...cuts].sort((a, b) => a - b);
  const sides: number[] = [];
  for (let i = 1; i < ordered.length; i++) {
    const side = (ordered[i] ?? 1) / (ordered[i - 1] ?? 1);
    if (!Number.isInteger(side)) return undefined;
    sides.unshift(side);
  }
  return sides;
}

/**
 * Elements from one place to the next along each side, for a tensor of shape `from` repeated to `shape`, which has as
 * many elements as the space has places.
 */
export function stridesIn(sides: readonly number[], shape: Shape, from: Shape): number[] {
  const strides: number[] = [];
  let axis = sides.length - 1;
  let ownStride = 1;
  for (let fromEnd = 1; fromEnd <= shape.length; fromEnd++) {
    const own = from.at(-fromEnd) ?? 1;
    let [rest, stride] = [shape.at(-fromEnd) ?? 1, own === 1 ? 0 : ownStride];
    while (rest > 1) {
      const side = sides[axis--] ?? 0;
      assert(side > 0 && rest % side === 0, `side ${rest} is no run of [${sides}]`);
      strides.unshift(stride);
      stride *= side;
      rest /= side;
    }
    ownStride *= own;
  }
  while (strides.length < sides.length) strides.unshift(0);
  return strides;
}

/** Joins neighbouring sides that every tensor walks through alike; the last `keep` sides stay as they are. */
export function mergeSides(
  sides: readonly number[],
  tensors: readonly (readonly number[])[],
  keep: number,
): { sides: number[]; tensors: number[][] } {
  const merged = { sides: [...sides], tensors: tensors.map((strides) => [...strides]) };
  for (let axis = sides.length - 2 - keep; axis >= 0; axis--) {
    const inner = merged.sides[axis + 1] ?? 1;
    const alike = merged.tensors.every((strides) => strides[axis] === (strides[axis + 1] ?? 0) * inner);
    if (!alike) continue;
    merged.sides.splice(axis, 2, (merged.sides[axis] ?? 1) * inner);
    for (const strides of merged.tensors) strides.splice(axis, 1);
  }
  return merged;
}
