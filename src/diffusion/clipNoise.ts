import { type Grid, gridSize } from "../base/grid.ts";
import type { KeyedRandom } from "../base/random.ts";
import type { PackLayout } from "../models/patches/layout.ts";
import { type ConditioningConfig, drawConditioning } from "./conditioning.ts";
import { drawTime, type TimeSamplingConfig } from "./timeSampling.ts";

/** How a clip is noised in a training step, for each of its frames of tokens. */
export interface ClipNoise {
  /** 1 where a frame is given: clean, and without a share of the loss. */
  readonly known: Uint8Array;
  /** In [0, 1], 0 where a frame is given. */
  readonly times: Float32Array;
}

/**
 * Draws what is given of a clip and the times of the rest: one for all, or one for each frame where times are
 * independent. Source: arXiv:2407.01392, section 3.1.
 * @param randoms what times, and what is given, are drawn from.
 */
export function drawClipNoise(
  { time, conditioning }: { readonly time: TimeSamplingConfig; readonly conditioning: ConditioningConfig },
  grid: Grid,
  randoms: { readonly time: KeyedRandom; readonly given: KeyedRandom },
): ClipNoise {
  const { pattern, known } = drawConditioning(conditioning, grid.t, randoms.given);
  const numTokens = gridSize(grid);
  const ofClip = drawTime(time, numTokens, randoms.time);
  const times = Float32Array.from(known, (given) => {
    if (given === 1) return 0;
    return pattern === "independent" ? drawTime(time, numTokens, randoms.time) : ofClip;
  });
  return { known, times };
}

/**
 * Lays what clips have for each of their frames, or for all of them, into the frames of a pack. What belongs to no clip
 * is 0. Shape: F.
 */
export function ofFrames(pack: PackLayout, values: readonly (number | ArrayLike<number>)[]): Float32Array {
  const values_F = new Float32Array(pack.numFrames);
  for (const [i, { firstFrame, grid }] of pack.clips.entries()) {
    const value = values[i] ?? 0;
    if (typeof value === "number") values_F.fill(value, firstFrame, firstFrame + grid.t);
    else values_F.set(value, firstFrame);
  }
  return values_F;
}
