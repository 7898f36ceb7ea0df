import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import { type Grid, gridKey } from "../../base/grid.ts";
import type { Factor } from "../../nn/spaceToDepth.ts";

const count = z.int().positive();
const oddSide = count.refine((side) => side % 2 === 1, "must be odd");

const levelSchema = z.strictObject({
  down: z
    .tuple([count, count])
    .describe("How much coarser than the level before: frames, rows and columns. The first level's is the patch."),
  channels: count.describe("Channels of this level."),
  blocks: z.int().nonnegative().default(2).describe("Residual blocks, in the encoder and in the decoder each."),
  kernel: z
    .tuple([count, oddSide, oddSide])
    .default([3, 3, 3])
    .describe("Kernel of the blocks: frames, rows, columns. [1, 3, 3] is a third of the work and sees no motion."),
});

export const vaeSchema = z.strictObject({
  kind: z.literal("causal-conv"),
  latentChannels: count.default(16).describe("Channels of a latent cell. Fewer compress more and reconstruct less."),
  levels: z
    .array(levelSchema)
    .min(1)
    .prefault([{ down: [4, 4], channels: 96 }])
    .describe("Levels from the pixels inward. One coarse patch first beats a ladder of strided convolutions."),
});
export type VaeConfig = z.output<typeof vaeSchema>;

/** How much coarser latents are than pixels, all levels together. */
export function vaeFactor({ levels }: VaeConfig): Factor {
  return levels.reduce<[number, number]>(([t, s], { down }) => [t * down[0], s * down[1]], [1, 1]);
}

/** The first level's factor, and that of all further levels together. */
export function splitFactor(cfg: VaeConfig): { stem: Factor; rest: Factor } {
  const [time, space] = vaeFactor(cfg);
  const stem: Factor = cfg.levels[0]?.down ?? [1, 1];
  return { stem, rest: [time / stem[0], space / stem[1]] };
}

/**
 * The latent grid of a clip of t frames of h x w pixels: 1 + k time frames give 1 + k latent frames.
 * @throws UserError when the factors do not divide the clip.
 */
export function latentGrid(clip: Grid, [time, space]: Factor, where = "vae"): Grid {
  const grid = { t: 1 + (clip.t - 1) / time, h: clip.h / space, w: clip.w / space };
  if (Object.values(grid).every((side) => Number.isInteger(side) && side > 0)) return grid;
  const near = (side: number): number => Math.max(1, Math.round(side / space)) * space;
  const try_ = { t: 1 + Math.max(0, Math.round((clip.t - 1) / time)) * time, h: near(clip.h), w: near(clip.w) };
  throw new UserError(where, {
    expected: `1 + a multiple of ${time} frames, height and width multiples of ${space}`,
    got: gridKey(clip),
    try: gridKey(try_),
  });
}

/** The clip that a latent grid decodes to. */
export function clipGrid(latent: Grid, [time, space]: Factor): Grid {
  return { t: 1 + (latent.t - 1) * time, h: latent.h * space, w: latent.w * space };
}
