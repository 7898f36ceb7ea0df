import type { Tensor, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { APART } from "../../engine/ops/index.ts";
import { normal, type Params } from "../../nn/params.ts";
import { RmsNorm } from "../../nn/rmsNorm.ts";
import { TextBlock } from "./textBlock.ts";
import type { TextEncoderConfig } from "./textConfig.ts";
import { embeddingTables } from "./textRow.ts";

/** Text as the model sees it. C texts, S tokens, E width. */
export interface TextFeatures {
  readonly tokens_CSE: Tensor3D;
  /** To add to attention scores: 0 at tokens, APART at padding. */
  readonly bias_CS: Tensor2D;
  /** Mean over the tokens before the padding; 0 where there are none. */
  readonly pooled_CE: Tensor2D;
}

/** Transformer encoder of texts with learned positions. Padding changes nothing in its outputs. */
export class TextEncoder {
  /** Tables of embeddings: a token's is the sum over all of them. */
  readonly tables: readonly Tensor2D[];
  readonly positions: Tensor2D;
  readonly blocks: readonly TextBlock[];
  readonly norm: RmsNorm;

  constructor(cfg: TextEncoderConfig, p: Params) {
    this.tables = embeddingTables(cfg).map(({ name, rows }) => p.tensor<Tensor2D>(name, [rows, cfg.width], normal(1)));
    this.positions = p.tensor<Tensor2D>("positions", [cfg.maxTokens, cfg.width], normal(1));
    this.blocks = Array.from({ length: cfg.depth }, (_, i) => new TextBlock(cfg.width, cfg.heads, p.at(`blocks.${i}`)));
    this.norm = new RmsNorm(cfg.width, p.at("norm"));
  }

  /** Shapes: rows_CR int32 as of `textRow`; a row of zeros is no text. */
  call(rows_CR: Tensor2D): TextFeatures {
    const ids = tf.split(rows_CR, this.tables.length, 1) as Tensor2D[];
    const ids_CS = ids[0] as Tensor2D;
    const [numTexts, numTokens] = ids_CS.shape;
    const mask_CS = tf.minimum<Tensor2D>(tf.cast(ids_CS, "float32"), 1);
    const bias_CS = tf.mul<Tensor2D>(tf.sub(mask_CS, 1), -APART);
    const bias_C11S = tf.reshape(bias_CS, [numTexts, 1, 1, numTokens]);
    let h_CSE = tf.add<Tensor3D>(tf.gather(this.tables[0] as Tensor2D, ids_CS), this.positions);
    for (const [i, table] of this.tables.slice(1).entries()) {
      h_CSE = tf.add(h_CSE, tf.gather(table, ids[i + 1] as Tensor2D));
    }
    for (const block of this.blocks) h_CSE = block.call(h_CSE, bias_C11S);
    const tokens_CSE = this.norm.call(h_CSE);
    return { tokens_CSE, bias_CS, pooled_CE: maskedMean(tokens_CSE, mask_CS) };
  }
}

/** Shapes: x_CSE, mask_CS of 0 and 1 -> CE. */
function maskedMean(x_CSE: Tensor3D, mask_CS: Tensor2D): Tensor2D {
  const [numTexts, numTokens, width] = x_CSE.shape;
  const weights_CS = tf.div<Tensor>(mask_CS, tf.maximum(tf.sum(mask_CS, 1, true), 1));
  const mean_C1E = tf.matMul(tf.reshape(weights_CS, [numTexts, 1, numTokens]), x_CSE);
  return tf.reshape(mean_C1E, [numTexts, width]) as Tensor2D;
}
