import { z } from "zod";
import { leastBuckets } from "./words.ts";

const shared = {
  width: z.int().positive().default(128).describe("Channels of the encoder; captions need fewer than video."),
  depth: z.int().nonnegative().default(2).describe("Transformer blocks: two suffice to read words from bytes."),
  heads: z.int().positive().default(4).describe("Attention heads; must divide the width."),
  crossAttention: z.boolean().default(true).describe("Each DiT block looks at every text token, not only their mean."),
};

export const byteEncoderSchema = z.strictObject({
  kind: z.literal("bytes").describe("A small transformer over UTF-8 bytes, trained along with the model."),
  maxTokens: z.int().min(3).default(64).describe("Ids per caption, start and end included; longer texts are cut."),
  prefixBuckets: z
    .union([z.literal(0), z.int().min(2)])
    .default(2048)
    .describe("Embeddings of hashed word beginnings, added to the bytes'; 0 for none. 2048: words within 300 steps."),
  ...shared,
});

export const wordEncoderSchema = z.strictObject({
  kind: z
    .literal("words")
    .describe(
      "A small transformer over hashed words, trained along: a fifth of the tokens of bytes, blind to spelling.",
    ),
  maxTokens: z.int().positive().default(24).describe("Words per caption; longer texts are cut."),
  buckets: z
    .int()
    .min(leastBuckets)
    .default(1024)
    .describe(
      "Rows of each of the two tables of embeddings. 1024: 500 words are all told apart in seven cases of eight.",
    ),
  ...shared,
});

export type ByteEncoderConfig = z.output<typeof byteEncoderSchema>;
export type TextEncoderConfig = ByteEncoderConfig | z.output<typeof wordEncoderSchema>;
