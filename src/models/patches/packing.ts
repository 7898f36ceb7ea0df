import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { Signature, TensorMap } from "../../engine/engine.ts";
import { oneHot, takeRows } from "../../engine/ops/index.ts";
import type { ClipAttention } from "../../nn/clipAttention.ts";
import type { RopeAngles } from "../../nn/rope.ts";

/** What all packs of one program have in common: sizes, and what tells the program where clips lie. */
export interface PackShape {
  /** Equal shapes have equal keys. */
  readonly key: string;
  readonly numTokens: number;
  readonly numFrames: number;
  readonly numClips: number;
  /** Inputs that say where clips lie; none where that is fixed. */
  readonly inputs: Signature;
  /** The pack as tensors of one traced or eager computation. `inputs` may hold more than the shape asks for. */
  open(inputs: TensorMap): Packing;
}

export interface PackingParts {
  readonly numTokens: number;
  readonly stripSize: number;
  readonly numFrames: number;
  /** int32; undefined when every frame is one strip. */
  readonly frameOfStrip_N: Tensor1D | undefined;
  /** int32; undefined when every clip is one frame. */
  readonly clipOfFrame_F: Tensor1D | undefined;
  readonly attention: ClipAttention;
  readonly rope: (headDim: number, theta: number) => RopeAngles;
}

/**
 * Clips of different token grids laid end to end in one sequence, as a model meets them.
 *
 * L tokens, F latent frames of all clips one after another, C clips. The tokens also fall into N strips of S
 * consecutive tokens, none of which crosses a frame's end: what is given per frame meets its tokens by broadcasting over
 * strips, so tokens are never cut up, and all gradients are products and plain sums. Source: arXiv:2307.06304.
 */
export class Packing {
  readonly attention: ClipAttention;
  /** Rotary angles of the tokens' positions in their own clips. */
  readonly rope: (headDim: number, theta: number) => RopeAngles;
  private readonly numTokens: number;
  private readonly stripSize: number;
  private readonly numFrames: number;
  private readonly frameOfStrip_N: Tensor1D | undefined;
  private readonly clipOfFrame_F: Tensor1D | undefined;

  constructor(parts: PackingParts) {
    this.attention = parts.attention;
    this.rope = parts.rope;
    this.numTokens = parts.numTokens;
    this.stripSize = parts.stripSize;
    this.numFrames = parts.numFrames;
    this.frameOfStrip_N = parts.frameOfStrip_N;
    this.clipOfFrame_F = parts.clipOfFrame_F;
  }

  /** Each strip's copy of its frame's row. Shapes: x_FE -> NE. */
  framesToStrips(x_FE: Tensor2D): Tensor2D {
    return this.frameOfStrip_N === undefined ? x_FE : takeRows(x_FE, this.frameOfStrip_N);
  }

  /** Each frame's copy of its clip's row. Shapes: x_CE -> FE. */
  clipsToFrames(x_CE: Tensor2D): Tensor2D {
    return this.clipOfFrame_F === undefined ? x_CE : takeRows(x_CE, this.clipOfFrame_F);
  }

  /**
   * Applies an elementwise function of token rows and strip rows, each token meeting its own strip's row.
   * `fn` sees tokens as [N, S, D] and strips as [N, 1, E].
   * Shapes: each of tokens [L, D], each of strips [N, E] -> [L, D'].
   */
  mapStrips(
    tokens: readonly Tensor2D[],
    strips: readonly Tensor2D[],
    fn: (tokens_NSD: Tensor3D[], strips_N1E: Tensor3D[]) => Tensor,
  ): Tensor2D {
    const view = (x: Tensor2D, side: number) => tf.reshape(x, [this.numTokens / this.stripSize, side, -1]) as Tensor3D;
    const y_NSD = fn(
      tokens.map((x_LD) => view(x_LD, this.stripSize)),
      strips.map((x_NE) => view(x_NE, 1)),
    );
    return tf.reshape(y_NSD, [this.numTokens, -1]) as Tensor2D;
  }

  /** Mean over each frame's tokens and their values; 0 for a frame that no token has. Shapes: x_LD -> F. */
  frameMeans(x_LD: Tensor2D): Tensor1D {
    const mean_N = tf.mean<Tensor1D>(tf.reshape(x_LD, [this.numTokens / this.stripSize, -1]), 1);
    if (this.frameOfStrip_N === undefined) return mean_N;
    const owner_NF = oneHot(this.frameOfStrip_N, this.numFrames);
    const sum_1F = tf.matMul(tf.reshape(mean_N, [1, -1]), owner_NF);
    const count_1F = tf.maximum(tf.sum(owner_NF, 0, true), 1);
    return tf.reshape(tf.div(sum_1F, count_1F), [this.numFrames]);
  }
}
