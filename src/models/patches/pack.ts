import * as tf from "@tensorflow/tfjs";
import { type Grid, gridKey, gridSize } from "../../base/grid.ts";
import type { Signature } from "../../engine/engine.ts";
import { type ClipGroup, GroupedAttention } from "../../nn/groupedAttention.ts";
import { ropeConstants, ropeTables } from "../../nn/rope.ts";
import { type ClipSpan, commonStrip, type PackLayout, packLayout, positionsIn } from "./layout.ts";
import { Packing, type PackShape } from "./packing.ts";

/**
 * A pack that is a plan: its clips' grids are known before any tensor exists, and everything in it is a constant of the
 * programs compiled for it. No padding, and since clips of one length share a dense batch, no mask.
 */
export class PackPlan implements PackShape, PackLayout {
  readonly clips: readonly ClipSpan[];
  readonly numTokens: number;
  readonly numFrames: number;
  readonly numClips: number;
  readonly inputs: Signature = {};
  /** Clips of equal length: the batches of attention, in order. */
  readonly groups: readonly ClipGroup[];
  readonly frameOfToken: Int32Array;
  readonly clipOfFrame: Int32Array;
  /** Tokens in a strip, see `Packing`: as many as divide every frame. */
  readonly stripSize: number;

  /** @param grids token grids of the clips, sorted by `compareGrids`, so that equal lengths are neighbours. */
  constructor(grids: readonly Grid[]) {
    const { clips, numTokens, numFrames, numClips } = packLayout(grids);
    this.clips = clips;
    this.numTokens = numTokens;
    this.numFrames = numFrames;
    this.numClips = numClips;
    this.groups = clipGroups(grids.map(gridSize));
    this.stripSize = commonStrip(grids);
    this.clipOfFrame = Int32Array.from(grids.flatMap(({ t }, clip) => Array<number>(t).fill(clip)));
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
    return Int32Array.from(this.clips.flatMap(({ grid }) => positionsIn(grid)));
  }

  open(): Packing {
    const { numTokens, numFrames, numClips, stripSize, positions } = this;
    const frameOfStrip = this.frameOfToken.filter((_, token) => token % stripSize === 0);
    return new Packing({
      numTokens,
      numFrames,
      stripSize,
      frameOfStrip_N: frameOfStrip.length === numFrames ? undefined : tf.tensor1d(frameOfStrip, "int32"),
      clipOfFrame_F: numFrames === numClips ? undefined : tf.tensor1d(this.clipOfFrame, "int32"),
      attention: new GroupedAttention(this.groups),
      rope: (headDim, theta) => ropeConstants(ropeTables(positions, headDim, theta)),
    });
  }
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
