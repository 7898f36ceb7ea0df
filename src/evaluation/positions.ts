import { apart, type Centre } from "./centres.ts";

/** An object that was to stay where it is may be so many pixels away from there. */
export const KEPT_PIXELS = 2;

/** How far an object is from where it was, in pixels. */
export interface Displacement {
  /** Over the frames in which it was to be seen. */
  readonly mean: number;
  readonly most: number;
}

/**
 * How far the object of a clip is from that of another, frame by frame. Frames in which the other is not seen tell
 * nothing; infinity where it is seen and the clip's own is not, or the other is never seen.
 */
export function displacement(
  centres: readonly (Centre | undefined)[],
  from: readonly (Centre | undefined)[],
): Displacement {
  const distances = from.flatMap((there, i) => {
    if (there === undefined) return [];
    const here = centres[i];
    return [here === undefined ? Number.POSITIVE_INFINITY : apart(here, there)];
  });
  if (distances.length === 0) return { mean: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY };
  const sum = distances.reduce((total, distance) => total + distance, 0);
  return { mean: sum / distances.length, most: Math.max(...distances) };
}
