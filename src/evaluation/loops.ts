import { apart, type Centre } from "./centres.ts";

/** The step that closes a loop may be so many pixels longer than the longest other one: centres are read that exactly. */
export const CLOSED_PIXELS = 0.5;

/**
 * How much longer than the longest other step of an object the step from the last frame to the first is, in pixels; below
 * 0 where it is shorter. Infinity where the object is not seen in the first or the last frame, or makes no other step.
 */
export function closingExcess(centres: readonly (Centre | undefined)[]): number {
  const [first, last] = [centres[0], centres.at(-1)];
  if (first === undefined || last === undefined) return Number.POSITIVE_INFINITY;
  const others = centres.slice(1).flatMap((to, i) => {
    const from = centres[i];
    return from === undefined || to === undefined ? [] : [apart(from, to)];
  });
  return others.length === 0 ? Number.POSITIVE_INFINITY : apart(last, first) - Math.max(...others);
}
