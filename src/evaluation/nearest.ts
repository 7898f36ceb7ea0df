import { CHANNELS } from "../data/clip.ts";
import type { Video } from "../data/media/video.ts";
import { thumbnails } from "./thumbnails.ts";

/**
 * How unlike two clips are in mean colour and in structure, whatever their sizes and lengths: root-mean-square
 * difference of the mean colours plus that of 8x8 thumbnails at 4 moments after their mean colours are taken away.
 * Values are bytes, so the distance lies in [0, 510]; 0 for equal clips.
 */
export function clipDistance(a: Video, b: Video): number {
  const [thumbA, thumbB] = [thumbnails(a), thumbnails(b)];
  const [meanA, meanB] = [meanColour(thumbA), meanColour(thumbB)];
  let structure = 0;
  for (let i = 0; i < thumbA.length; i++) {
    const channel = i % CHANNELS;
    const difference = at(thumbA, i) - at(meanA, channel) - (at(thumbB, i) - at(meanB, channel));
    structure += difference ** 2;
  }
  const colour = meanA.reduce((sum, value, channel) => sum + (value - at(meanB, channel)) ** 2, 0);
  return Math.sqrt(colour / CHANNELS) + Math.sqrt(structure / thumbA.length);
}

/** Index of the clip that is least unlike `clip`, and its distance. */
export function nearestClip(clip: Video, among: readonly Video[]): { index: number; distance: number } {
  return among
    .map((other, index) => ({ index, distance: clipDistance(clip, other) }))
    .reduce((best, candidate) => (candidate.distance < best.distance ? candidate : best));
}

function meanColour(thumbs: Float64Array): number[] {
  const sums = Array<number>(CHANNELS).fill(0);
  for (let i = 0; i < thumbs.length; i++) sums[i % CHANNELS] = at(sums, i % CHANNELS) + at(thumbs, i);
  return sums.map((sum) => (sum * CHANNELS) / thumbs.length);
}

function at(list: ArrayLike<number>, i: number): number {
  return list[i] as number;
}
