import { z } from "zod";
import { type Grid, gridSize } from "../base/grid.ts";
import type { PackLayout } from "../models/patches/layout.ts";

export const lossWeightingSchema = z
  .enum(["token", "clip"])
  .default("token")
  .describe(
    "What counts equally in the loss. token: every token, so large clips weigh more, as in a loss over pixels. clip: every clip, its own mean over tokens.",
  );
export type LossWeighting = z.output<typeof lossWeightingSchema>;

export interface LossWeightOptions {
  /** Weight of a whole pack whose shares shall sum to 1: `meanWeight`. Default: this pack's own. */
  readonly divisor?: number;
  /** Frames given as conditions (time 0), which carry no loss. Shape: F, 1 where known. */
  readonly known?: ArrayLike<number>;
}

/**
 * Each frame's share of a pack's loss. With n_c the tokens of clip c that are not given, l_c their mean squared error
 * (what the clip's loss is when it is alone), and W the divisor:
 *
 *     token:  loss = sum_c n_c l_c / W,  W = tokens of a pack
 *     clip:   loss = sum_c l_c / W,      W = clips of a pack
 *
 * With the pack's own W this is the mean over its tokens, or over its clips. With the mean W of a run's packs
 * (`meanWeight`) a clip's share does not depend on the pack that it is drawn in: its gradient is what it gives alone,
 * and sums over packs weigh every token, or every clip, of the run alike.
 */
export function lossWeights(
  pack: PackLayout,
  weighting: LossWeighting,
  { divisor, known = new Uint8Array(pack.numFrames) }: LossWeightOptions = {},
): Float32Array {
  const weight_F = new Float32Array(pack.numFrames);
  let own = 0;
  for (const { grid, firstFrame } of pack.clips) {
    const drawn = Array.from({ length: grid.t }, (_, i) => firstFrame + i).filter((frame) => known[frame] !== 1);
    const weight = weighting === "token" ? grid.h * grid.w : 1 / drawn.length;
    for (const frame of drawn) weight_F[frame] = weight;
    own += drawn.length === 0 ? 0 : weight * drawn.length;
  }
  const whole = divisor ?? own;
  return whole === 0 ? weight_F : weight_F.map((weight) => weight / whole);
}

/**
 * Mean weight of packs drawn at these rates (which sum to 1): their mean number of tokens, or of clips.
 * @param drawnTokens tokens of a clip that are not given, on average. All when not given.
 */
export function meanWeight(
  packs: readonly { readonly grids: readonly Grid[]; readonly rate: number }[],
  weighting: LossWeighting,
  drawnTokens: (grid: Grid) => number = gridSize,
): number {
  const weightOf = (grids: readonly Grid[]): number =>
    weighting === "clip" ? grids.length : grids.reduce((sum, grid) => sum + drawnTokens(grid), 0);
  return packs.reduce((sum, { grids, rate }) => sum + rate * weightOf(grids), 0);
}
