import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { assert } from "../../base/errors.ts";
import { compareGrids, type Grid, gridKey, gridSize } from "../../base/grid.ts";
import { type ClipGroup, joinRows, splitRows } from "../../nn/clipGroups.ts";

/** Where one clip lies in its pack. */
export interface ClipSpan {
  readonly grid: Grid;
  readonly firstToken: number;
  readonly numTokens: number;
  readonly firstFrame: number;
}

/** Consecutive frames of a pack, of one clip or several, that have equally many tokens. */
interface FrameRun {
  readonly numFrames: number;
  readonly frameSize: number;
}

/**
 * Clips of different token grids laid end to end in one sequence, no padding between them. The plan is known before
 * any tensor exists; everything in it is a constant of the programs compiled for it.
 *
 * L tokens, F latent frames of all clips one after another, C clips, S tokens of a frame.
 * What is given per frame or clip is broadcast over reshaped views, never gathered: its gradient is a plain sum.
 * Source: arXiv:2307.06304. Differs: clips of one length share a dense batch, so attention needs no mask.
 */
export class PackPlan {
  readonly clips: readonly ClipSpan[];
  readonly numTokens: number;
  readonly numFrames: number;
  readonly numClips: number;
  /** Clips of equal length: the batches of attention, in order. */
  readonly groups: readonly ClipGroup[];
  readonly frameOfToken: Int32Array;
  readonly clipOfToken: Int32Array;
  readonly clipOfFrame: Int32Array;
  private readonly frameRuns: readonly FrameRun[];

  /** @param grids token grids of the clips, sorted by `compareGrids`, so that equal lengths are neighbours. */
  constructor(grids: readonly Grid[]) {
    assert(grids.length > 0, "a pack holds at least one clip");
    assert(
      grids.every((grid, i) => i === 0 || compareGrids(grids[i - 1] as Grid, grid) <= 0),
      "the grids of a pack are sorted",
    );
    this.clips = placed(grids);
    this.numClips = grids.length;
    this.numTokens = total(grids.map(gridSize));
    this.numFrames = total(grids.map(({ t }) => t));
    this.groups = merged(grids, gridSize).map(({ size, items }) => ({ numClips: items.length, length: size }));
    this.frameRuns = merged(grids, ({ h, w }) => h * w).map(({ size, items }) => ({
      numFrames: total(items.map(({ t }) => t)),
      frameSize: size,
    }));
    this.clipOfFrame = Int32Array.from(grids.flatMap(({ t }, clip) => Array<number>(t).fill(clip)));
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

  /**
   * Applies an elementwise function of token rows and frame rows, each token meeting its own frame's row.
   * `fn` sees tokens as [f, S, D] and frames as [f, 1, E], once for every run of frames of one size.
   * Shapes: each of tokens [L, D], each of frames [F, E] -> [L, D'].
   */
  mapFrames(
    tokens: readonly Tensor2D[],
    frames: readonly Tensor2D[],
    fn: (tokens_FSD: Tensor3D[], frames_F1E: Tensor3D[]) => Tensor,
  ): Tensor2D {
    const tokenParts = tokens.map((x_LD) => splitRows(x_LD, this.tokensPerRun()));
    const frameParts = frames.map((x_FE) => splitRows(x_FE, this.framesPerRun()));
    return joinRows(
      this.frameRuns.map(({ numFrames, frameSize }, run) => {
        const view = (parts: Tensor2D[], side: number): Tensor3D => {
          const part = parts[run] as Tensor2D;
          return tf.reshape(part, [numFrames, side, part.shape[1]]) as Tensor3D;
        };
        const y_FSD = fn(
          tokenParts.map((parts) => view(parts, frameSize)),
          frameParts.map((parts) => view(parts, 1)),
        );
        return tf.reshape(y_FSD, [numFrames * frameSize, y_FSD.shape[2] as number]) as Tensor2D;
      }),
    );
  }

  /** Mean over each frame's tokens. Shapes: x_LD -> F, over D too. */
  frameMeans(x_LD: Tensor2D): Tensor1D {
    const parts = splitRows(x_LD, this.tokensPerRun());
    return joinRows(
      this.frameRuns.map(({ numFrames }, run) =>
        tf.mean<Tensor1D>(tf.reshape(parts[run] as Tensor2D, [numFrames, -1]), 1),
      ),
    );
  }

  /** Each frame's copy of its clip's row, as a product with a constant. Shapes: x_CE -> FE. */
  clipsToFrames(x_CE: Tensor2D): Tensor2D {
    const oneHot = new Float32Array(this.numFrames * this.numClips);
    for (const [frame, clip] of this.clipOfFrame.entries()) oneHot[frame * this.numClips + clip] = 1;
    return tf.matMul(tf.tensor2d(oneHot, [this.numFrames, this.numClips]), x_CE);
  }

  private tokensPerRun(): number[] {
    return this.frameRuns.map(({ numFrames, frameSize }) => numFrames * frameSize);
  }

  private framesPerRun(): number[] {
    return this.frameRuns.map(({ numFrames }) => numFrames);
  }
}

/** The clips with their first tokens and frames, one after another. */
function placed(grids: readonly Grid[]): ClipSpan[] {
  let firstToken = 0;
  let firstFrame = 0;
  return grids.map((grid) => {
    const span = { grid, firstToken, numTokens: gridSize(grid), firstFrame };
    firstToken += span.numTokens;
    firstFrame += grid.t;
    return span;
  });
}

/** Merges neighbours of one size. */
function merged(grids: readonly Grid[], sizeOf: (grid: Grid) => number): { size: number; items: Grid[] }[] {
  const runs: { size: number; items: Grid[] }[] = [];
  for (const grid of grids) {
    const last = runs.at(-1);
    if (last?.size === sizeOf(grid)) last.items.push(grid);
    else runs.push({ size: sizeOf(grid), items: [grid] });
  }
  return runs;
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
