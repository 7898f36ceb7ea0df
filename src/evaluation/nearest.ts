import type { Video } from "../data/media/video.ts";

/** Cells a side and moments in time that a clip is reduced to before it is compared. */
const SIDE = 8;
const MOMENTS = 4;
const CHANNELS = 3;

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

/** Means over equal boxes. Shape: moments, side, side, 3. */
function thumbnails({ frames_THWC, frames, height, width }: Video): Float64Array {
  const thumbs = new Float64Array(MOMENTS * SIDE * SIDE * CHANNELS);
  const counts = new Float64Array(MOMENTS * SIDE * SIDE);
  for (let moment = 0; moment < MOMENTS; moment++) {
    const t = frames === 1 ? 0 : Math.round((moment * (frames - 1)) / (MOMENTS - 1));
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const cell = (moment * SIDE + Math.floor((y * SIDE) / height)) * SIDE + Math.floor((x * SIDE) / width);
        const from = ((t * height + y) * width + x) * CHANNELS;
        counts[cell] = at(counts, cell) + 1;
        for (let c = 0; c < CHANNELS; c++) {
          thumbs[cell * CHANNELS + c] = at(thumbs, cell * CHANNELS + c) + at(frames_THWC, from + c);
        }
      }
    }
  }
  return thumbs.map((sum, i) => sum / Math.max(1, at(counts, Math.floor(i / CHANNELS))));
}

function meanColour(thumbs: Float64Array): number[] {
  const sums = Array<number>(CHANNELS).fill(0);
  for (let i = 0; i < thumbs.length; i++) sums[i % CHANNELS] = at(sums, i % CHANNELS) + at(thumbs, i);
  return sums.map((sum) => (sum * CHANNELS) / thumbs.length);
}

function at(list: ArrayLike<number>, i: number): number {
  return list[i] as number;
}
