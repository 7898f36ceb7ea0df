import { type Grid, gridSize } from "../../base/grid.ts";
import { commonStrip } from "./layout.ts";
import type { RowRoom } from "./rowLayout.ts";

/** Grids that will come, and how often. */
export interface GridShare {
  readonly grid: Grid;
  /** Share of the clips; all sum to 1. */
  readonly share: number;
}

/**
 * The rows that a pack of so many tokens is cut into: attention costs a row's tokens squared, so rows are as short as
 * twice the longest clip, which still fill well.
 * @param tokens of a pack, at least those of the longest clip. @param maxClips that a pack has room for.
 */
export function rowRoomFor(shares: readonly GridShare[], tokens: number, maxClips: number): RowRoom {
  const grids = shares.map(({ grid }) => grid);
  const stripSize = commonStrip(grids);
  const rows = Math.max(1, Math.floor(tokens / (2 * Math.max(...grids.map(gridSize)))));
  const clips = Math.ceil(maxClips / rows);
  const meanFrames = shares.reduce((sum, { grid, share }) => sum + share * grid.t, 0);
  return {
    rows,
    tokens: Math.floor(tokens / rows / stripSize) * stripSize,
    frames: Math.max(...grids.map(({ t }) => t), Math.ceil(clips * meanFrames)),
    clips,
    stripSize,
    side: Math.max(...grids.flatMap(({ t, h, w }) => [t, h, w])),
  };
}
