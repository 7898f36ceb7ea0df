import { assert } from "../../base/errors.ts";
import { compareGrids, type Grid, gridSize } from "../../base/grid.ts";

/** Where one clip lies in its pack. */
export interface ClipSpan {
  readonly grid: Grid;
  readonly firstToken: number;
  readonly numTokens: number;
  readonly firstFrame: number;
}

/** Where everything lies in a pack, without any tensor: all that those need who fill one. */
export interface PackLayout {
  readonly clips: readonly ClipSpan[];
  readonly numTokens: number;
  readonly numFrames: number;
  readonly numClips: number;
  readonly clipOfFrame: Int32Array;
}

/** Clips of these token grids laid end to end. @param grids sorted by `compareGrids`, at least one. */
export function packLayout(grids: readonly Grid[]): PackLayout {
  assert(grids.length > 0, "a pack holds at least one clip");
  assert(
    grids.every((grid, i) => i === 0 || compareGrids(grids[i - 1] as Grid, grid) <= 0),
    "the grids of a pack are sorted",
  );
  let numTokens = 0;
  let numFrames = 0;
  const clips = grids.map((grid) => {
    const span = { grid, firstToken: numTokens, numTokens: gridSize(grid), firstFrame: numFrames };
    numTokens += span.numTokens;
    numFrames += grid.t;
    return span;
  });
  const clipOfFrame = Int32Array.from(grids.flatMap(({ t }, clip) => Array<number>(t).fill(clip)));
  return { clips, numTokens, numFrames, numClips: grids.length, clipOfFrame };
}
