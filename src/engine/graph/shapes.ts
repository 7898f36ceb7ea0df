import { assert } from "../../base/errors.ts";

export type Shape = readonly number[];

/** True when both have the same sides. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((side, i) => side === b[i]);
}

/** The shape that several shapes broadcast to: aligned at the last axis, sides equal or 1. @throws when they do not. */
export function broadcastShapes(...shapes: readonly Shape[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let side = 1;
    for (const shape of shapes) {
      const own = shape[shape.length - rank + axis] ?? 1;
      if (own === 1) continue;
      assert(side === 1 || side === own, `shapes ${shapes.map((s) => `[${s}]`).join(" and ")} do not broadcast`);
      side = own;
    }
    return side;
  });
}

/** Axes counted from the front, ascending: -1 is the last of `rank`. @throws when one is out of range or repeated. */
export function normalAxes(axes: number | readonly number[], rank: number): number[] {
  const list = (typeof axes === "number" ? [axes] : [...axes]).map((axis) => (axis < 0 ? axis + rank : axis));
  for (const axis of list) assert(axis >= 0 && axis < rank, `axis ${axis} is outside rank ${rank}`);
  assert(new Set(list).size === list.length, `axes [${axes}] repeat`);
  return list.sort((a, b) => a - b);
}

/** Every axis of a rank: [0, 1, ...]. */
export function allAxes(rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis);
}

/** The shape after a reduction that keeps the axes as sides of 1. */
export function keptShape(shape: Shape, axes: readonly number[]): number[] {
  return shape.map((side, axis) => (axes.includes(axis) ? 1 : side));
}

/** The shape without the axes. */
export function droppedShape(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** The side at an axis that must exist. */
export function sideAt(shape: Shape, axis: number): number {
  const side = shape.at(axis);
  assert(side !== undefined, `shape [${shape}] has no axis ${axis}`);
  return side;
}

/** Elements from one index to the next along each axis of a tensor that lies in row order without gaps. */
export function denseStrides(shape: Shape): number[] {
  const strides: number[] = [];
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    strides.unshift(stride);
    stride *= sideAt(shape, axis);
  }
  return strides;
}
