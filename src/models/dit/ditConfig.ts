import { z } from "zod";
import { byteEncoderSchema, wordEncoderSchema } from "../text/textConfig.ts";

const noTextSchema = z.strictObject({ kind: z.literal("none").describe("The model draws without a prompt.") });
const side = z.int().positive();

export const ditSchema = z.strictObject({
  kind: z.literal("dit"),
  width: side.default(384).describe("Channels of every token inside the model (D)."),
  depth: side.default(6).describe("Number of transformer blocks."),
  heads: side.default(6).describe("Attention heads; width / heads must be even, 64 is customary."),
  mlpRatio: z.number().positive().default(4).describe("Hidden width of each MLP as a multiple of the width."),
  patch: z
    .tuple([side, side, side])
    .default([1, 2, 2])
    .describe("Latent cells per token: frames, rows, columns. Smaller is finer and slower."),
  ropeTheta: z
    .number()
    .positive()
    .default(256)
    .describe(
      "Base of the rotary frequencies. 256 as in HunyuanVideo: latent axes are tens of cells long, not 10,000s.",
    ),
  placeFeatures: z
    .union([z.literal(0), z.int().min(6).multipleOf(2)])
    .default(48)
    .describe(
      "Cosines and sines of each token's place that are added at the input; 0 for none. Rotary angles alone tell how far tokens lie apart, not where the frame begins. 48: 8 frequencies an axis.",
    ),
  inputSkip: z
    .boolean()
    .default(false)
    .describe(
      "Whether the noisy input is added to the output, each value with a gain that its frame's time and the prompt set. A velocity holds the noise; without this it must pass through the width, which costs much where a token has nearly as many values as the model is wide. false: as published.",
    ),
  text: z
    .discriminatedUnion("kind", [noTextSchema, byteEncoderSchema, wordEncoderSchema])
    .prefault({ kind: "bytes" })
    .describe("How prompts reach the model."),
});
export type DiTConfig = z.output<typeof ditSchema>;
