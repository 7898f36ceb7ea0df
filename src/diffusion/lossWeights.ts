import { z } from "zod";
import type { PackLayout } from "../models/patches/layout.ts";

export const lossWeightingSchema = z
  .enum(["token", "clip"])
  .default("token")
  .describe("What counts equally in a pack's loss: every token, so large clips weigh more, or every clip.");
export type LossWeighting = z.output<typeof lossWeightingSchema>;

/**
 * Each frame's share of a pack's loss; the shares sum to 1.
 * @param known frames given as conditions (time 0), which carry no loss. Shape: F, 1 where known.
 */
export function lossWeights(
  pack: PackLayout,
  weighting: LossWeighting,
  known: ArrayLike<number> = new Uint8Array(pack.numFrames),
): Float32Array {
  const weight_F = new Float32Array(pack.numFrames);
  for (const { grid, firstFrame } of pack.clips) {
    const drawn = Array.from({ length: grid.t }, (_, i) => firstFrame + i).filter((frame) => known[frame] !== 1);
    for (const frame of drawn) weight_F[frame] = weighting === "token" ? grid.h * grid.w : 1 / drawn.length;
  }
  const total = weight_F.reduce((sum, weight) => sum + weight, 0);
  return total === 0 ? weight_F : weight_F.map((weight) => weight / total);
}
