import { assert } from "../../base/errors.ts";
import { type Grid, gridKey, gridSize } from "../../base/grid.ts";
import { ints } from "../../base/tensors.ts";
import type { HostMap, Signature } from "../../engine/engine.ts";
import { type ClipSpan, endToEnd, type PackLayout, positionsIn } from "./layout.ts";

/** How much a pack of rows holds. Every row has the same room, whatever lies in the others. */
export interface RowRoom {
  readonly rows: number;
  /** Tokens, latent frames and clips that a row may hold. */
  readonly tokens: number;
  readonly frames: number;
  readonly clips: number;
  /** Divides the tokens of a row and of every frame that may come: 1 always does, more is faster. */
  readonly stripSize: number;
  /** No grid has more frames, rows or columns. */
  readonly side: number;
}

/**
 * Places for clips in rows of a pack. What a row's clips leave free is one clip more, of one frame and of no text, at
 * time 0 and without a share of the loss: nothing else has to know of it. It has a row's last frame and last slot.
 */
export class RowLayout {
  readonly room: RowRoom;
  readonly numTokens: number;
  readonly numFrames: number;
  readonly numClips: number;
  /** What tells a program where clips lie. */
  readonly inputs: Signature;

  constructor(room: RowRoom) {
    assert(room.tokens % room.stripSize === 0, `strips of ${room.stripSize} divide rows of ${room.tokens} tokens`);
    this.room = room;
    this.numTokens = room.rows * room.tokens;
    this.numFrames = room.rows * (room.frames + 1);
    this.numClips = room.rows * (room.clips + 1);
    this.inputs = {
      frameOfStrip_N: { shape: [this.numTokens / room.stripSize], dtype: "int32" },
      clipOfFrame_F: { shape: [this.numFrames], dtype: "int32" },
      positions_L3: { shape: [this.numTokens, 3], dtype: "int32" },
    };
  }

  /** Lays clips into rows. @param rows token grids of each row's clips; missing rows are empty. */
  place(rows: readonly (readonly Grid[])[]): PackLayout {
    const { room, numTokens, numFrames, numClips } = this;
    assert(rows.length <= room.rows, `${rows.length} rows in a pack of ${room.rows}`);
    return { clips: rows.flatMap((grids, row) => this.placeRow(grids, row)), numTokens, numFrames, numClips };
  }

  /** The layout's inputs for clips that `place` has placed. */
  inputsOf({ clips }: PackLayout): HostMap {
    const { rows, tokens, frames, clips: slots, stripSize } = this.room;
    const frameOfStrip_N = ints([this.numTokens / stripSize]);
    const clipOfFrame_F = ints([this.numFrames]);
    const positions_L3 = ints([this.numTokens, 3]);
    for (let row = 0; row < rows; row++) {
      const freeFrame = row * (frames + 1) + frames;
      const freeSlot = row * (slots + 1) + slots;
      frameOfStrip_N.data.fill(freeFrame, (row * tokens) / stripSize, ((row + 1) * tokens) / stripSize);
      clipOfFrame_F.data.fill(freeSlot, row * (frames + 1), freeFrame + 1);
    }
    for (const { grid, firstToken, firstFrame, slot } of clips) {
      const frameStrips = (grid.h * grid.w) / stripSize;
      for (let t = 0; t < grid.t; t++) {
        const first = firstToken / stripSize + t * frameStrips;
        frameOfStrip_N.data.fill(firstFrame + t, first, first + frameStrips);
      }
      clipOfFrame_F.data.fill(slot, firstFrame, firstFrame + grid.t);
      positions_L3.data.set(positionsIn(grid), firstToken * 3);
    }
    return { frameOfStrip_N, clipOfFrame_F, positions_L3 };
  }

  private placeRow(grids: readonly Grid[], row: number): ClipSpan[] {
    const { tokens, frames, clips, stripSize, side } = this.room;
    const total = (sizeOf: (grid: Grid) => number) => grids.reduce((sum, grid) => sum + sizeOf(grid), 0);
    assert(grids.length <= clips, `a row for ${clips} clips holds ${grids.length}`);
    assert(total(gridSize) <= tokens, `a row of ${tokens} tokens holds ${total(gridSize)}`);
    assert(total(({ t }) => t) <= frames, `a row of ${frames} frames holds ${total(({ t }) => t)}`);
    for (const grid of grids) {
      const fits = (grid.h * grid.w) % stripSize === 0 && Math.max(grid.t, grid.h, grid.w) <= side;
      assert(fits, `${gridKey(grid)} has frames of whole strips of ${stripSize} and sides up to ${side}`);
    }
    return endToEnd(grids, { firstToken: row * tokens, firstFrame: row * (frames + 1), slot: row * (clips + 1) });
  }
}
