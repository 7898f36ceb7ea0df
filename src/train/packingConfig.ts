import { z } from "zod";
import { withEffects } from "../config/effect.ts";

const share = z.number().min(0).max(1);

export const packingSchema = withEffects(
  z
    .strictObject({
      tokens: z
        .int()
        .positive()
        .default(1024)
        .describe("Tokens a pack may hold. 1024: large enough for full products."),
      mode: z
        .enum(["auto", "plans", "masked"])
        .default("auto")
        .describe(
          "plans: a few arrangements of grids, each compiled once. masked: one program for any arrangement, with " +
            "attention over the whole pack. auto: plans, unless they leave grids out or cost more.",
        ),
      maxPlans: z.int().positive().default(8).describe("Arrangements of grids in use, each compiled once. 8: seconds."),
      fill: share
        .gt(0)
        .default(0.98)
        .describe("Share of a pack's tokens that should hold clips. 0.98: the rest is below what steps vary by."),
      frequencyError: share
        .default(0.02)
        .describe(
          "How far the shares of the grids drawn may be from those in the data, as total variation. 0.02: one clip in " +
            "fifty is drawn for another.",
        ),
      balance: z
        .number()
        .nonnegative()
        .default(0.1)
        .describe(
          "What 1 more in the FLOP ratio of dearest to cheapest plan weighs against frequency error, once the targets " +
            "are met. 0.1: steps 10 % nearer in time are worth an error of 0.01.",
        ),
      longClips: z
        .enum(["refuse", "cut"])
        .default("refuse")
        .describe("Clips larger than a pack: an error, or only their first frames are used. refuse: nothing is lost."),
      window: z
        .int()
        .positive()
        .optional()
        .describe(
          "Most latent frames that a clip has in a pack. Longer clips are drawn as their first frames, or, where their " +
            "first frames are given (objective.conditioning), as any stretch: so a model learns to go on from inside a " +
            "clip, which long clips need. Not set: clips are whole.",
        ),
      rare: z
        .enum(["plan", "merge"])
        .default("plan")
        .describe("Rare grids: each stands in a plan, or is cropped to a near grid. plan: nothing is lost."),
      rareShare: share.default(0.001).describe("Share of the clips below which a grid is rare. 0.001: one in 1,000."),
    })
    .describe("How clips of different grids are laid into one sequence."),
  [
    ...(["maxPlans", "fill", "frequencyError", "balance"] as const).map((key) => ({
      key,
      needs: ({ mode }: { mode: string }) => mode !== "masked",
      why: "only plans read it, and mode is masked",
    })),
    { key: "rareShare", needs: ({ rare }) => rare === "merge", why: "only rare: merge reads it" },
  ],
);

export type PackingConfig = z.output<typeof packingSchema>;
