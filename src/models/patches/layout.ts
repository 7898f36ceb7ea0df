import { assert } from "../../base/errors.ts";
import { compareGrids, type Grid, gridSize } from "../../base/grid.ts";

/** Where one clip lies in its pack. */
export interface ClipSpan {
  readonly grid: Grid;
  readonly firstToken: number;
  readonly numTokens: number;
  readonly firstFrame: number;
  /** The clip's row in what is given per clip, such as its text. */
  readonly slot: number;
}

/** Where everything lies in a pack, without any tensor: all that those need who fill one. */
export interface PackLayout {
  readonly clips: readonly ClipSpan[];
  /** Tokens, latent frames and rows per clip of the pack's tensors. Some may belong to none of the clips. */
  readonly numTokens: number;
  readonly numFrames: number;
  readonly numClips: number;
}

/** Clips of these token grids laid end to end. @param grids sorted by `compareGrids`, at least one. */
export function packLayout(grids: readonly Grid[]): PackLayout {
  assert(grids.length > 0, "a pack holds at least one clip");
  assert(
    grids.every((grid, i) => i === 0 || compareGrids(grids[i - 1] as Grid, grid) <= 0),
    "the grids of a pack are sorted",
  );
  const clips = endToEnd(grids, { firstToken: 0, firstFrame: 0, slot: 0 });
  const total = (sizeOf: (grid: Grid) => number) => grids.reduce((sum, grid) => sum + sizeOf(grid), 0);
  return { clips, numTokens: total(gridSize), numFrames: total(({ t }) => t), numClips: grids.length };
}

/** Clips one after the other from a token, a frame and a slot on. */
export function endToEnd(
  grids: readonly Grid[],
  first: Pick<ClipSpan, "firstToken" | "firstFrame" | "slot">,
): ClipSpan[] {
  let { firstToken, firstFrame } = first;
  return grids.map((grid, i) => {
    const span = { grid, firstToken, numTokens: gridSize(grid), firstFrame, slot: first.slot + i };
    firstToken += span.numTokens;
    firstFrame += grid.t;
    return span;
  });
}

/** Tokens that divide every frame, so that each strip of so many consecutive tokens lies in one frame. */
export function commonStrip(grids: readonly Grid[]): number {
  return grids.reduce((size, { h, w }) => greatestDivisor(size, h * w), 0);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** Position (t, h, w) of every token of a clip in it. Shape: row-major [tokens, 3]. */
export function positionsIn({ t, h, w }: Grid): number[] {
  return Array.from({ length: t * h * w }, (_, i) => [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w]).flat();
}
