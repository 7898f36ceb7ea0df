import { compareGrids, type Grid } from "../../../base/grid.ts";

const FRAMES = [1, 3, 5, 9, 17];
const SIZES = [
  [2, 2],
  [2, 4],
  [4, 4],
  [4, 8],
  [8, 8],
  [8, 12],
  [12, 12],
  [16, 16],
] as const;

/**
 * 40 grids of tokens from 1x2x2 to 17x16x16 with a long tail: the n-th smallest comes 1 / n as often as the smallest.
 * Mean 164 tokens; half of all tokens lie in clips of 1,088 or more. Largest first.
 */
export const FORTY_GRIDS: readonly { readonly grid: Grid; readonly count: number }[] = FRAMES.flatMap((t) =>
  SIZES.map(([h, w]) => ({ t, h, w })),
)
  .sort(compareGrids)
  .map((grid, i, all) => ({ grid, count: 1 / (all.length - i) }));
