import { z } from "zod";
import { withEffects } from "../config/effect.ts";

export const trainSchema = withEffects(
  z
    .strictObject({
      steps: z.number().int().positive().default(1000).describe("Updates in all. 1000: minutes for a small model."),
      accumulate: z
        .number()
        .int()
        .positive()
        .default(1)
        .describe("Batches whose gradients are averaged in one update. 1: the cheapest."),
      lanes: z
        .number()
        .int()
        .positive()
        .default(1)
        .describe(
          "Of the accumulated batches, how many are computed at once. With engine.threads 1 it keeps small models' cores busy; 1: one after the other.",
        ),
      logEvery: z.number().int().positive().default(10).describe("Steps between logged losses. 10: a smooth curve."),
      checkpointEvery: z
        .number()
        .int()
        .positive()
        .default(500)
        .describe("Steps between checkpoints; one is always made at the end. 500: minutes of work at risk."),
      keep: z.number().int().min(2).default(2).describe("Newest checkpoints that are kept. 2: one to fall back on."),
      sampleEvery: z
        .number()
        .int()
        .min(0)
        .default(0)
        .describe("Steps between sample pictures; 0 makes them at the end only. 0: they cost time."),
      maxBadSteps: z
        .number()
        .int()
        .positive()
        .default(10)
        .describe("Steps in a row with a loss or gradient that is not finite before the run stops. 10: not a spike."),
    })
    .describe("How long to train, and what to write on the way."),
  [{ key: "lanes", needs: ({ accumulate }) => accumulate > 1, why: "only accumulated batches are computed at once" }],
);

export type TrainConfig = z.infer<typeof trainSchema>;
