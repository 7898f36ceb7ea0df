import type { Grid } from "../../base/grid.ts";
import { commonStrip } from "./layout.ts";
import type { RowRoom } from "./rowLayout.ts";

/** Grids that will come, and how often. */
export interface GridShare {
  readonly grid: Grid;
  /** Share of the clips; all sum to 1. */
  readonly share: number;
}

export interface RowBudget {
  readonly rows: number;
  /** Tokens of all rows together; a row must hold the longest clip. */
  readonly tokens: number;
  /** Clips that all rows together have room for. */
  readonly maxClips: number;
}

/** Rows of as many tokens, with room for frames in proportion to the clips. @param shares grids that will come. */
export function rowRoomFor(shares: readonly GridShare[], { rows, tokens, maxClips }: RowBudget): RowRoom {
  const grids = shares.map(({ grid }) => grid);
  const stripSize = commonStrip(grids);
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
