import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { type Grid, gridKey, gridSize } from "../../base/grid.ts";
import type { ClipGroup } from "../../nn/clipGroups.ts";
import { type ClipSpan, type PackLayout, packLayout } from "./layout.ts";

/**
 * Clips of different token grids laid end to end in one sequence, no padding between them. The plan is known before
 * any tensor exists; everything in it is a constant of the programs compiled for it.
 *
 * L tokens, F latent frames of all clips one after another, C clips. The tokens also fall into N strips of S
 * consecutive tokens, S being the largest length that divides every frame's: what is given per frame meets its tokens
 * by broadcasting over strips, so tokens are never cut up or gathered, and all gradients are products and plain sums.
 * Source: arXiv:2307.06304. Differs: clips of one length share a dense batch, so attention needs no mask.
 */
export class PackPlan implements PackLayout {
  readonly clips: readonly ClipSpan[];
  readonly numTokens: number;
  readonly numFrames: number;
  readonly numClips: number;
  /** Clips of equal length: the batches of attention, in order. */
  readonly groups: readonly ClipGroup[];
  readonly frameOfToken: Int32Array;
  readonly clipOfToken: Int32Array;
  readonly clipOfFrame: Int32Array;
  /** Tokens in a strip. */
  readonly stripSize: number;
  readonly numStrips: number;

  /** @param grids token grids of the clips, sorted by `compareGrids`, so that equal lengths are neighbours. */
  constructor(grids: readonly Grid[]) {
    const { clips, numTokens, numFrames, numClips, clipOfFrame } = packLayout(grids);
    this.clips = clips;
    this.numClips = numClips;
    this.numTokens = numTokens;
    this.numFrames = numFrames;
    this.clipOfFrame = clipOfFrame;
    this.groups = clipGroups(grids.map(gridSize));
    this.stripSize = grids.reduce((size, { h, w }) => greatestDivisor(size, h * w), 0);
    this.numStrips = this.numTokens / this.stripSize;
    this.clipOfToken = Int32Array.from(grids.flatMap((grid, clip) => Array<number>(gridSize(grid)).fill(clip)));
    this.frameOfToken = Int32Array.from(
      [...this.clipOfFrame].flatMap((clip, frame) => {
        const { h, w } = grids[clip] as Grid;
        return Array<number>(h * w).fill(frame);
      }),
    );
  }

  /** `5x4x8,5x4x8,1x4x4`: equal plans have equal keys. */
  get key(): string {
    return this.clips.map(({ grid }) => gridKey(grid)).join();
  }

  /** Position (t, h, w) of every token in its own clip. Shape: row-major [L, 3]. */
  get positions(): Int32Array {
    return Int32Array.from(
      this.clips.flatMap(({ grid: { t, h, w } }) =>
        Array.from({ length: t * h * w }, (_, i) => [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w]).flat(),
      ),
    );
  }

  /** Each strip's copy of its frame's row. Shapes: x_FE -> NE. */
  framesToStrips(x_FE: Tensor2D): Tensor2D {
    if (this.numStrips === this.numFrames) return x_FE;
    return tf.matMul(oneHot(this.frameOfStrip(), this.numFrames), x_FE);
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
    const view = (x: Tensor2D, side: number) => tf.reshape(x, [this.numStrips, side, -1]) as Tensor3D;
    const y_NSD = fn(
      tokens.map((x_LD) => view(x_LD, this.stripSize)),
      strips.map((x_NE) => view(x_NE, 1)),
    );
    return tf.reshape(y_NSD, [this.numTokens, -1]) as Tensor2D;
  }

  /** Mean over each frame's tokens and their values. Shapes: x_LD -> F. */
  frameMeans(x_LD: Tensor2D): Tensor1D {
    const mean_N = tf.mean(tf.reshape(x_LD, [this.numStrips, -1]), 1);
    if (this.numStrips === this.numFrames) return mean_N as Tensor1D;
    const owners = this.frameOfStrip();
    const share = new Float32Array(this.numFrames);
    for (const frame of owners) share[frame] = (share[frame] as number) + 1;
    const sum_F1 = tf.matMul(oneHot(owners, this.numFrames), tf.reshape(mean_N, [-1, 1]), true);
    return tf.div(tf.reshape(sum_F1, [this.numFrames]), tf.tensor1d(share));
  }

  /** Each frame's copy of its clip's row. Shapes: x_CE -> FE. */
  clipsToFrames(x_CE: Tensor2D): Tensor2D {
    return tf.matMul(oneHot(this.clipOfFrame, this.numClips), x_CE);
  }

  private frameOfStrip(): Int32Array {
    return this.frameOfToken.filter((_, token) => token % this.stripSize === 0);
  }
}

/** Rows of zeros with a one at each index: a gather as a product. Shape: [indices, count]. */
function oneHot(indices: Int32Array, count: number): Tensor2D {
  const rows = new Float32Array(indices.length * count);
  for (const [row, index] of indices.entries()) rows[row * count + index] = 1;
  return tf.tensor2d(rows, [indices.length, count]);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** Merges neighbours of equal length. */
function clipGroups(lengths: readonly number[]): ClipGroup[] {
  const groups: { numClips: number; length: number }[] = [];
  for (const length of lengths) {
    const last = groups.at(-1);
    if (last?.length === length) last.numClips++;
    else groups.push({ numClips: 1, length });
  }
  return groups;
}
