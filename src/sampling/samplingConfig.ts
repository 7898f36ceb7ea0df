import { z } from "zod";
import { guidanceSchema } from "../diffusion/guidance.ts";
import { samplerSchema } from "../diffusion/sampler.ts";
import { rollingSchema } from "./rolling/schedule.ts";

const clipSchema = z.strictObject({
  prompt: z.string().default("").describe("What the clip shows. Empty: whatever the model likes."),
  negative: z
    .string()
    .optional()
    .describe("What it should not show. Not given: what guidance.negative says for all clips."),
  frames: z.int().positive().describe("Length in frames."),
  height: z.int().positive().describe("Height in pixels."),
  width: z.int().positive().describe("Width in pixels."),
});

/** How clips are drawn from a model, and which ones while it trains. */
export const samplesSchema = z
  .strictObject({
    sampler: samplerSchema.prefault({}).describe("From noise to clip."),
    guidance: guidanceSchema.prefault({}).describe("How strictly the prompt is followed."),
    rolling: rollingSchema.prefault({}),
    clips: z
      .array(clipSchema)
      .default([])
      .describe("Clips of the sample pictures made during training. Empty: captions and sizes of a few data clips."),
  })
  .describe("Sampling: defaults of `kinema sample`, and the sample pictures of training.");

export type SamplesConfig = z.output<typeof samplesSchema>;

/** A clip to draw: its prompt and its size in frames and pixels. */
export type ClipRequest = z.output<typeof clipSchema>;
