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
      keepEvery: z
        .number()
        .int()
        .min(0)
        .default(0)
        .describe("Checkpoints whose step is a multiple of this are kept for good; 0: none. 0: they fill disks."),
      keepBest: z
        .number()
        .int()
        .min(0)
        .default(0)
        .describe("Checkpoints with the lowest keepBestBy that are kept too; 0: none. 0: a training loss is noisy."),
      keepBestBy: z
        .string()
        .min(1)
        .default("loss")
        .describe(
          "What the best checkpoints are best by: loss or one of its logged parts, a mean since the checkpoint before. loss: every task has it.",
        ),
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
        .describe("Steps left out in a row before the run goes back to its last good checkpoint. 10: not a spike."),
      maxRollbacks: z
        .number()
        .int()
        .min(0)
        .default(3)
        .describe(
          "How often a run goes back before it ends with an error. 3: what comes a fourth time is no accident.",
        ),
      spikeSigma: z
        .number()
        .min(0)
        .default(0)
        .describe(
          "A step is left out when its loss is this many standard deviations over the mean of spikeWindow; 0: never. 0: clipNorm bounds what a spike can do.",
        ),
      spikeWindow: z
        .number()
        .int()
        .min(10)
        .default(100)
        .describe("Steps whose losses tell what a spike is. 100: enough for a standard deviation."),
    })
    .describe("How long to train, and what to write on the way."),
  [
    { key: "lanes", needs: ({ accumulate }) => accumulate > 1, why: "only accumulated batches are computed at once" },
    { key: "keepBestBy", needs: ({ keepBest }) => keepBest > 0, why: "keepBest 0 keeps none of the best" },
    { key: "spikeWindow", needs: ({ spikeSigma }) => spikeSigma > 0, why: "spikeSigma 0 looks for no spikes" },
  ],
);

export type TrainConfig = z.infer<typeof trainSchema>;
