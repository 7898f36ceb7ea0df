import { patchWidth } from "../patches/patchify.ts";
import type { TextEncoderConfig } from "../text/textConfig.ts";
import { embeddingTables } from "../text/textRow.ts";
import type { DiTConfig } from "./ditConfig.ts";

/** FLOPs of a training step, by what they grow with. */
export interface DiTCost {
  readonly perClip: number;
  readonly perFrame: number;
  readonly perToken: number;
  /** For every two tokens that attend to one another. */
  readonly perTokenPair: number;
}

/** Values of a block's modulation, and of the last layer's. */
const BLOCK_MODULATION = 6;
const LAST_MODULATION = 2;
/** A multiplication and an addition. */
const FLOPS_PER_PRODUCT = 2;
/** A product forward, and two backward. */
const PASSES = 3;

/**
 * FLOPs of the matrix products of a training step: for D width, S text tokens, r MLP ratio, a token costs 4 D^2 for
 * attention, 2 r D^2 for the MLP and 2 D^2 + 2 S D for reading the text in each block; two tokens that attend to one
 * another cost 2 D. The text encoder counts for each clip, with the gradient of its embeddings, which is one product
 * with all of them; modulation counts for each frame. Elementwise work is left out.
 */
export function ditCost(cfg: DiTConfig, latentChannels: number): DiTCost {
  const { width, depth, mlpRatio, text } = cfg;
  const square = width * width;
  const readsText = text.kind !== "none" && text.crossAttention;
  const readText = readsText ? 2 * square + 2 * text.maxTokens * width : 0;
  const valuesPerToken = patchWidth(cfg.patch, latentChannels);
  const ends = 2 * valuesPerToken * width;
  const skip = cfg.inputSkip ? valuesPerToken * width : 0;
  const products = {
    perToken: depth * (4 * square + 2 * mlpRatio * square + readText) + ends,
    perTokenPair: depth * 2 * width,
    perFrame: (depth * BLOCK_MODULATION + LAST_MODULATION + 1) * square + skip,
    perClip: text.kind !== "none" ? textProducts(text, width, readsText ? depth : 0) : 0,
  };
  const flops = (count: number): number => FLOPS_PER_PRODUCT * PASSES * count;
  return {
    perClip: flops(products.perClip),
    perFrame: flops(products.perFrame),
    perToken: flops(products.perToken),
    perTokenPair: flops(products.perTokenPair),
  };
}

function textProducts(text: TextEncoderConfig, width: number, readers: number): number {
  const { maxTokens } = text;
  const block = 12 * text.width * text.width + 2 * maxTokens * text.width;
  const read = readers * 2 * text.width * width;
  const numIds = embeddingTables(text).reduce((sum, { rows }) => sum + rows, 0);
  const embeddingGradient = (numIds * text.width) / PASSES;
  return maxTokens * (text.depth * block + read + embeddingGradient) + text.width * width;
}
