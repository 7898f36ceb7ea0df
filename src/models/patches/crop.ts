import { assert } from "../../base/errors.ts";
import { type Grid, gridKey, gridSize } from "../../base/grid.ts";

/**
 * Part of a latent: some of its frames, and of each the middle. Its first frames are the very latents of the clip's first
 * frames, since the autoencoder is causal; the middle is what the clip's middle would give but for its rim, where the
 * autoencoder saw the pixels beyond. Returns the latent itself when nothing is cut. Shapes: thwz -> t'h'w'z.
 * @param firstFrame where the frames begin.
 */
export function cropLatent(latent_thwz: Float32Array, whole: Grid, part: Grid, firstFrame = 0): Float32Array {
  const fits = firstFrame + part.t <= whole.t && part.h <= whole.h && part.w <= whole.w;
  assert(fits, `${gridKey(part)} is a part of ${gridKey(whole)}`);
  if (gridSize(part) === gridSize(whole)) return latent_thwz;
  const numChannels = latent_thwz.length / gridSize(whole);
  assert(Number.isInteger(numChannels), `${latent_thwz.length} values fill a grid of ${gridKey(whole)}`);
  const rowSize = part.w * numChannels;
  const [top, left] = [Math.floor((whole.h - part.h) / 2), Math.floor((whole.w - part.w) / 2)];
  const part_thwz = new Float32Array(gridSize(part) * numChannels);
  for (let t = 0; t < part.t; t++) {
    for (let h = 0; h < part.h; h++) {
      const from = (((firstFrame + t) * whole.h + top + h) * whole.w + left) * numChannels;
      part_thwz.set(latent_thwz.subarray(from, from + rowSize), (t * part.h + h) * rowSize);
    }
  }
  return part_thwz;
}
