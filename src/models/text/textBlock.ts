import type { Tensor, Tensor3D, Tensor4D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { attention } from "../../engine/ops/index.ts";
import { headDim } from "../../nn/heads.ts";
import { Linear } from "../../nn/linear.ts";
import { Mlp } from "../../nn/mlp.ts";
import type { Params } from "../../nn/params.ts";
import { RmsNorm } from "../../nn/rmsNorm.ts";

/** Pre-norm transformer block over padded texts. C texts, S tokens, E width. Source: arXiv:2002.04745, fig. 1b. */
export class TextBlock {
  readonly numHeads: number;
  readonly headDim: number;
  readonly norm1: RmsNorm;
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly out: Linear;
  readonly norm2: RmsNorm;
  readonly mlp: Mlp;

  constructor(width: number, numHeads: number, p: Params) {
    this.numHeads = numHeads;
    this.headDim = headDim(width, numHeads, p.path);
    this.norm1 = new RmsNorm(width, p.at("norm1"));
    this.q = new Linear(width, width, p.at("q"));
    // A key bias would add one number to all scores of a query, which softmax ignores.
    this.k = new Linear(width, width, p.at("k"), { bias: false });
    this.v = new Linear(width, width, p.at("v"));
    this.out = new Linear(width, width, p.at("out"));
    this.norm2 = new RmsNorm(width, p.at("norm2"));
    this.mlp = new Mlp(width, 4 * width, p.at("mlp"));
  }

  /** @param bias_C11S 0, or very negative at padding. */
  call(x_CSE: Tensor3D, bias_C11S: Tensor): Tensor3D {
    const normed_CSE = this.norm1.call(x_CSE);
    const mixed_CHSd = attention(
      this.heads(this.q.call(normed_CSE)),
      this.heads(this.k.call(normed_CSE)),
      this.heads(this.v.call(normed_CSE)),
      bias_C11S,
    );
    const mixed_CSE = tf.reshape(tf.transpose(mixed_CHSd, [0, 2, 1, 3]), x_CSE.shape) as Tensor3D;
    const h_CSE = tf.add<Tensor3D>(x_CSE, this.out.call(mixed_CSE));
    return tf.add(h_CSE, this.mlp.call(this.norm2.call(h_CSE)));
  }

  private heads(x_CSE: Tensor3D): Tensor4D {
    const [numTexts, numTokens] = x_CSE.shape;
    return tf.transpose(
      tf.reshape(x_CSE, [numTexts, numTokens, this.numHeads, this.headDim]) as Tensor4D,
      [0, 2, 1, 3],
    );
  }
}
