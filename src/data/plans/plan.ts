import { compareGrids, type Grid, gridKey, gridSize } from "../../base/grid.ts";

/** Which grids a pack holds, end to end, and how often it is drawn. */
export interface Plan {
  /** Sorted by `compareGrids`. */
  readonly grids: readonly Grid[];
  /** Share of all draws, in (0, 1]; the rates of all plans sum to 1. */
  readonly rate: number;
}

/** Clips of one grid: a grid in tokens and how many clips have it, or the sum of their weights. */
export interface GridShare {
  readonly grid: Grid;
  readonly count: number;
}

/** One entry for each grid that has clips; sorted by `compareGrids`. */
export function mergeCounts(histogram: Iterable<GridShare>): GridShare[] {
  const byKey = new Map<string, GridShare>();
  for (const { grid, count } of histogram) {
    if (count > 0) byKey.set(gridKey(grid), { grid, count: count + (byKey.get(gridKey(grid))?.count ?? 0) });
  }
  return [...byKey.values()].sort((a, b) => compareGrids(a.grid, b.grid));
}

/** Tokens of a pack. */
export function tokensIn(grids: readonly Grid[]): number {
  return grids.reduce((sum, grid) => sum + gridSize(grid), 0);
}

/** Mean share of a pack's tokens that hold a clip, in (0, 1]. */
export function fillOf(plans: readonly Plan[], tokens: number): number {
  return plans.reduce((sum, { grids, rate }) => sum + (rate * tokensIn(grids)) / tokens, 0);
}

/** Share of all clips drawn that each grid has, by grid key. */
export function drawnShares(plans: readonly Plan[]): Map<string, number> {
  const drawn = new Map<string, number>();
  let clips = 0;
  for (const { grids, rate } of plans) {
    clips += rate * grids.length;
    for (const grid of grids) drawn.set(gridKey(grid), (drawn.get(gridKey(grid)) ?? 0) + rate);
  }
  return new Map([...drawn].map(([key, rate]) => [key, rate / clips]));
}

/** Total-variation distance between the shares of clips drawn and those of a histogram, in [0, 1]. */
export function frequencyErrorOf(plans: readonly Plan[], histogram: readonly GridShare[]): number {
  const drawn = drawnShares(plans);
  const clips = histogram.reduce((sum, { count }) => sum + count, 0);
  const wanted = new Map(histogram.map(({ grid, count }) => [gridKey(grid), count / clips]));
  const keys = new Set([...drawn.keys(), ...wanted.keys()]);
  return [...keys].reduce((sum, key) => sum + Math.abs((drawn.get(key) ?? 0) - (wanted.get(key) ?? 0)), 0) / 2;
}
