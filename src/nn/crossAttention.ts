import type { Tensor2D, Tensor3D, Tensor4D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { ClipAttention } from "./clipAttention.ts";
import { headDim } from "./heads.ts";
import { Linear } from "./linear.ts";
import { type Params, zeros } from "./params.ts";
import { RmsNorm } from "./rmsNorm.ts";

/**
 * Attention of each clip's tokens to its own text. The output layer starts at zero: a new model ignores the text.
 * Shapes: x_LD, text_CSE, bias_CS (0, or very negative at padding) -> LD. C clips in pack order, S text tokens.
 */
export class CrossAttention {
  readonly numHeads: number;
  readonly headDim: number;
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly normQ: RmsNorm;
  readonly normK: RmsNorm;
  readonly out: Linear;

  constructor(width: number, textWidth: number, numHeads: number, p: Params) {
    this.numHeads = numHeads;
    this.headDim = headDim(width, numHeads, p.path);
    this.q = new Linear(width, width, p.at("q"));
    this.k = new Linear(textWidth, width, p.at("k"));
    this.v = new Linear(textWidth, width, p.at("v"));
    this.normQ = new RmsNorm(this.headDim, p.at("normQ"));
    this.normK = new RmsNorm(this.headDim, p.at("normK"));
    this.out = new Linear(width, width, p.at("out"), { init: zeros });
  }

  call(x_LD: Tensor2D, text_CSE: Tensor3D, bias_CS: Tensor2D, clips: ClipAttention): Tensor2D {
    const q_LHd = this.normQ.call(this.heads(this.q.call(x_LD)));
    const k_CHSd = this.textHeads(this.normK, this.k.call(text_CSE));
    const v_CHSd = this.textHeads(undefined, this.v.call(text_CSE));
    return this.out.call(clips.toText(q_LHd, { k_CHSd, v_CHSd, bias_CS }));
  }

  private heads(x_LD: Tensor2D): Tensor3D {
    return tf.reshape(x_LD, [x_LD.shape[0], this.numHeads, this.headDim]) as Tensor3D;
  }

  /** Shapes: x_CSD -> CHSd, normed on the way if asked. */
  private textHeads(norm: RmsNorm | undefined, x_CSD: Tensor3D): Tensor4D {
    const [numClips, numText] = x_CSD.shape;
    const x_CSHd = tf.reshape(x_CSD, [numClips, numText, this.numHeads, this.headDim]) as Tensor4D;
    return tf.transpose(norm === undefined ? x_CSHd : norm.call(x_CSHd), [0, 2, 1, 3]);
  }
}
