import type { Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { ClipAttention } from "./clipAttention.ts";
import { headDim } from "./heads.ts";
import { Linear } from "./linear.ts";
import type { Params } from "./params.ts";
import { RmsNorm } from "./rmsNorm.ts";
import { type RopeAngles, rotate } from "./rope.ts";

/**
 * Self-attention of each clip in a pack with itself alone.
 * Queries and keys are RMS-normed per head, then turned by their positions.
 * Shapes: x_LD -> LD. Source: arXiv:2307.06304 (packing), arXiv:2302.05442 (QK-norm).
 * Differs: query, key and value are three products, so that no pass splits their sum.
 */
export class PackedAttention {
  readonly numHeads: number;
  readonly headDim: number;
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly normQ: RmsNorm;
  readonly normK: RmsNorm;
  readonly out: Linear;

  constructor(width: number, numHeads: number, p: Params) {
    this.numHeads = numHeads;
    this.headDim = headDim(width, numHeads, p.path);
    this.q = new Linear(width, width, p.at("q"));
    this.k = new Linear(width, width, p.at("k"));
    this.v = new Linear(width, width, p.at("v"));
    this.normQ = new RmsNorm(this.headDim, p.at("normQ"));
    this.normK = new RmsNorm(this.headDim, p.at("normK"));
    this.out = new Linear(width, width, p.at("out"));
  }

  call(x_LD: Tensor2D, rope: RopeAngles, clips: ClipAttention): Tensor2D {
    const q_LHd = rotate(this.normQ.call(this.heads(this.q.call(x_LD))), rope);
    const k_LHd = rotate(this.normK.call(this.heads(this.k.call(x_LD))), rope);
    const v_LHd = this.heads(this.v.call(x_LD));
    return this.out.call(clips.toClip(q_LHd, k_LHd, v_LHd));
  }

  private heads(x_LD: Tensor2D): Tensor3D {
    return tf.reshape(x_LD, [x_LD.shape[0], this.numHeads, this.headDim]) as Tensor3D;
  }
}
