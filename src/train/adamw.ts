import { z } from "zod";
import { withEffects } from "../config/effect.ts";
import { muonSchema } from "./muon.ts";

export const adamwSchema = withEffects(
  z
    .strictObject({
      lr: z.number().positive().default(3e-4).describe("Peak learning rate. 3e-4: safe for widths up to about 400."),
      beta1: z.number().min(0).lt(1).default(0.9).describe("Decay of the first moment. 0.9: Adam's own."),
      beta2: z
        .number()
        .min(0)
        .lt(1)
        .default(0.99)
        .describe("Decay of the second moment. 0.99: short runs, noisy losses."),
      epsilon: z
        .number()
        .positive()
        .default(1e-8)
        .describe("Added to the root of the second moment. 1e-8: Adam's own."),
      weightDecay: z
        .number()
        .min(0)
        .default(0.01)
        .describe("Decoupled decay of matrices; vectors have none. 0.01: mild."),
      clipNorm: z
        .number()
        .positive()
        .default(1)
        .describe("Gradients are scaled down to this global norm. 1: rarely active but for spikes."),
      warmupSteps: z
        .number()
        .int()
        .min(0)
        .default(100)
        .describe("Steps of linear growth from 0. 100: enough for AdamW."),
      schedule: z
        .enum(["cosine", "constant"])
        .default("cosine")
        .describe("After warm-up: cosine down to lr * minLr at the last step, or constant. cosine: best end result."),
      minLr: z.number().min(0).max(1).default(0.1).describe("Last learning rate of the cosine as a share of lr."),
      emaDecay: z
        .number()
        .min(0)
        .lt(1)
        .default(0.999)
        .describe("Decay of the weights' moving average. 0.999: the last thousand steps."),
      muon: muonSchema
        .exactOptional()
        .describe(
          "Steps of even singular values for the matrices of transformer blocks, of the size that AdamW's have, so that lr and weightDecay serve both. Not given: AdamW's for all. Learns sooner; a step costs more.",
        ),
    })
    .describe(
      "AdamW with warm-up, clipping by global norm and an average of the weights; Muon for matrices, if asked.",
    ),
  [{ key: "minLr", needs: ({ schedule }) => schedule === "cosine", why: "only schedule cosine reads it" }],
);

export type AdamWConfig = z.infer<typeof adamwSchema>;

/** Learning rate for the update that makes step `step` (first is 1) of `numSteps`. */
export function learningRate(cfg: AdamWConfig, step: number, numSteps: number): number {
  const warm = cfg.warmupSteps === 0 ? 1 : Math.min(1, step / cfg.warmupSteps);
  if (cfg.schedule === "constant") return cfg.lr * warm;
  const done = Math.min(1, Math.max(0, (step - cfg.warmupSteps) / Math.max(1, numSteps - cfg.warmupSteps)));
  return cfg.lr * warm * (cfg.minLr + (1 - cfg.minLr) * 0.5 * (1 + Math.cos(Math.PI * done)));
}

/** EMA decay at a step: short at the start, so that the average forgets the random weights. */
export function emaDecayAt(cfg: AdamWConfig, step: number): number {
  return Math.min(cfg.emaDecay, (1 + step) / (10 + step));
}
