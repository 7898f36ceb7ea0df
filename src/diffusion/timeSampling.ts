import { z } from "zod";
import type { KeyedRandom } from "../base/random.ts";
import type { PackLayout } from "../models/patches/layout.ts";
import { shiftOf, shiftSchema, shiftTime } from "./shift.ts";

export const timeSamplingSchema = z.strictObject({
  mean: z.number().default(0).describe("Mean of the logit of a training time; 0 centres on half noise."),
  std: z.number().positive().default(1).describe("Its standard deviation; larger sees more of both ends."),
  shift: shiftSchema,
});
export type TimeSamplingConfig = z.output<typeof timeSamplingSchema>;

/** A training time in (0, 1) of a clip with this many tokens: sigmoid of a normal, shifted. Source: arXiv:2403.03206. */
export function drawTime(cfg: TimeSamplingConfig, numTokens: number, random: KeyedRandom): number {
  const t = 1 / (1 + Math.exp(-(cfg.mean + cfg.std * random.normal())));
  return shiftTime(t, shiftOf(cfg.shift, numTokens));
}

/**
 * The time of every latent frame of a pack: its clip's, or 0 where the frame is given as a condition or is no clip's.
 * @param time_C times in the order of the pack's clips.
 * @param known 1 where a frame is given. Shape: F.
 */
export function frameTimes(
  pack: PackLayout,
  time_C: ArrayLike<number>,
  known: ArrayLike<number> = new Uint8Array(pack.numFrames),
): Float32Array {
  const t_F = new Float32Array(pack.numFrames);
  for (const [i, { firstFrame, grid }] of pack.clips.entries()) {
    for (let frame = firstFrame; frame < firstFrame + grid.t; frame++) {
      t_F[frame] = known[frame] === 1 ? 0 : (time_C[i] as number);
    }
  }
  return t_F;
}
