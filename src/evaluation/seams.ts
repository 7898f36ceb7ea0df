import type { Centre } from "./centres.ts";

/** A step at a seam may differ from what its neighbours say by so many pixels. */
export const SMOOTH_PIXELS = 1.5;

/**
 * How far an object's step at a seam is from what the steps beside it say, in pixels. Steps are vectors from one frame's
 * centre to the next one's. Beside a seam inside a clip lie the step before and the step after it: their mean is
 * expected, which holds for an object that turns as for one that goes straight on. At an end of the clip the two next
 * steps are carried on to the seam.
 * @param frame that the step at the seam leads to; 0, where the clip loops, is the step from the last frame to the first.
 * @returns infinity where the object is not seen in a frame that is needed.
 */
export function jumpAt(centres: readonly (Centre | undefined)[], frame: number, loops = false): number {
  const { length } = centres;
  const at = (i: number): Centre | undefined => centres[loops ? (i + length) % length : i];
  const exists = (i: number): boolean => loops || (i >= 1 && i < length);
  const stepTo = (i: number): Centre => {
    const [from, to] = [at(i - 1), at(i)];
    if (from === undefined || to === undefined) return { x: Number.POSITIVE_INFINITY, y: 0 };
    return { x: to.x - from.x, y: to.y - from.y };
  };
  const expected = (): Centre => {
    if (exists(frame - 1) && exists(frame + 1)) return mix(stepTo(frame - 1), 0.5, stepTo(frame + 1), 0.5);
    const way = exists(frame + 1) ? 1 : -1;
    if (!exists(frame + way)) return { x: 0, y: 0 };
    if (!exists(frame + 2 * way)) return stepTo(frame + way);
    return mix(stepTo(frame + way), 2, stepTo(frame + 2 * way), -1);
  };
  const [step, wanted] = [stepTo(frame), expected()];
  const jump = Math.hypot(step.x - wanted.x, step.y - wanted.y);
  return Number.isNaN(jump) ? Number.POSITIVE_INFINITY : jump;
}

function mix(a: Centre, ofA: number, b: Centre, ofB: number): Centre {
  return { x: ofA * a.x + ofB * b.x, y: ofA * a.y + ofB * b.y };
}
