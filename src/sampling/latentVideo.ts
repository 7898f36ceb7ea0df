import { assert } from "../base/errors.ts";
import { type Grid, gridKey, gridSize } from "../base/grid.ts";

/** A stretch of video as a VAE makes it: posterior means, not normalised. Shape: thwz of `grid`, in latent cells. */
export interface LatentVideo {
  readonly grid: Grid;
  readonly latent_thwz: Float32Array;
}

/** Values of one latent frame. */
export function frameSize({ grid, latent_thwz }: LatentVideo): number {
  assert(latent_thwz.length % gridSize(grid) === 0, `${latent_thwz.length} values fill a grid of ${gridKey(grid)}`);
  return latent_thwz.length / grid.t;
}

/** Latent frames `first` to `end - 1`; a view, not a copy. */
export function latentFrames(video: LatentVideo, first: number, end: number): LatentVideo {
  assert(0 <= first && first < end && end <= video.grid.t, `frames ${first} to ${end} of ${gridKey(video.grid)}`);
  const size = frameSize(video);
  return { grid: { ...video.grid, t: end - first }, latent_thwz: video.latent_thwz.subarray(first * size, end * size) };
}

/** Latents one after the other, of one height and width. */
export function joinLatents(parts: readonly LatentVideo[]): LatentVideo {
  const [head] = parts;
  assert(head !== undefined, "at least one part");
  assert(
    parts.every(({ grid }) => grid.h === head.grid.h && grid.w === head.grid.w),
    "parts have one height and width",
  );
  const latent_thwz = new Float32Array(parts.reduce((sum, part) => sum + part.latent_thwz.length, 0));
  let first = 0;
  for (const part of parts) {
    latent_thwz.set(part.latent_thwz, first);
    first += part.latent_thwz.length;
  }
  return { grid: { ...head.grid, t: parts.reduce((sum, { grid }) => sum + grid.t, 0) }, latent_thwz };
}
