import { CHANNELS } from "../data/clip.ts";
import type { Video } from "../data/media/video.ts";

/** Cells a side and moments in time that a clip is reduced to. */
const SIDE = 8;
const MOMENTS = 4;

/**
 * A clip of any size and length as 8 x 8 cells at 4 moments: means over equal boxes, as bytes' values. Shape: moments,
 * side, side, 3.
 */
export function thumbnails({ frames_THWC, frames, height, width }: Video): Float64Array {
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

function at(list: ArrayLike<number>, i: number): number {
  return list[i] as number;
}
