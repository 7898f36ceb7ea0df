import { z } from "zod";
import { conditioningSchema } from "../diffusion/conditioning.ts";
import { lossWeightingSchema } from "../diffusion/lossWeights.ts";
import { minSnrSchema } from "../diffusion/minSnr.ts";
import { predictions } from "../diffusion/rectifiedFlow.ts";
import { timeSamplingSchema } from "../diffusion/timeSampling.ts";

export const objectiveSchema = z
  .strictObject({
    kind: z.literal("rectified-flow").default("rectified-flow").describe("Straight paths from data to noise."),
    prediction: z
      .enum(predictions)
      .default("v")
      .describe("What the network puts out: velocity or clean latent. v: learns colours in a third of the steps."),
    time: timeSamplingSchema.prefault({}).describe("Which noise levels are trained on."),
    conditioning: conditioningSchema.prefault({}),
    weighting: lossWeightingSchema,
    minSnr: minSnrSchema,
    captionDrop: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe("Share of captions replaced by the unconditional token, for guidance. 0.1: customary."),
  })
  .describe("The diffusion objective.");

export type ObjectiveConfig = z.output<typeof objectiveSchema>;
