import { UserError } from "../../base/errors.ts";
import { type Grid, gridKey, gridSize } from "../../base/grid.ts";
import { type GridShare, mergeCounts } from "./plan.ts";

export interface AssignRules {
  /** Tokens a pack may hold. */
  readonly tokens: number;
  /** What becomes of clips that are larger: an error, or they lose their last frames. */
  readonly longClips: "refuse" | "cut";
  /** What becomes of grids with less than `rareShare` of the clips: each is planned for, or cropped to a near grid. */
  readonly rare: "plan" | "merge";
  readonly rareShare: number;
}

/** Clips of one grid that are drawn as another. */
export interface Redraw {
  readonly from: Grid;
  readonly to: Grid;
  readonly count: number;
}

export interface Assigned {
  /** The grids that are drawn, with their clips; sorted by `compareGrids`. */
  readonly histogram: readonly GridShare[];
  /** Which grid each grid is drawn as, by grid key: no longer, higher or wider, and mostly itself. */
  readonly assignment: ReadonlyMap<string, Grid>;
  /** Clips that are too long for a pack, and what is left of them. */
  readonly cut: readonly Redraw[];
  /** Rare grids, and the grids they are cropped to. */
  readonly merged: readonly Redraw[];
}

/** A rare grid is cropped to one that keeps at least this share of its tokens, or not at all. */
const LEAST_KEPT = 0.5;

/**
 * Which grid each grid of a histogram is drawn as. Clips larger than a pack keep their first frames, as many as a pack
 * holds; rare grids are cropped to the grid inside them that keeps most of their tokens.
 * @throws UserError when there are no clips, or some are larger than a pack and may not or cannot be cut.
 */
export function assignGrids(histogram: readonly GridShare[], rules: AssignRules): Assigned {
  const all = mergeCounts(histogram);
  if (all.length === 0) throw new UserError("packing", { expected: "a dataset with clips", got: "no clips" });
  const long = all.filter(({ grid }) => gridSize(grid) > rules.tokens);
  if (long.length > 0) refuseUncut(long, all, rules);
  const cut = long.map(({ grid, count }) => ({ from: grid, to: cutInTime(grid, rules.tokens), count }));
  const afterCut = applied(all, cut);
  const merged = rules.rare === "merge" ? mergesOf(afterCut, rules.rareShare) : [];
  const drawnAs = (grid: Grid): Grid => {
    const short = find(cut, grid)?.to ?? grid;
    return find(merged, short)?.to ?? short;
  };
  return {
    histogram: applied(afterCut, merged),
    assignment: new Map(all.map(({ grid }) => [gridKey(grid), drawnAs(grid)])),
    cut,
    merged,
  };
}

function refuseUncut(long: readonly GridShare[], all: readonly GridShare[], { tokens, longClips }: AssignRules): void {
  const uncuttable = long.filter(({ grid }) => grid.h * grid.w > tokens);
  if (longClips === "cut" && uncuttable.length === 0) return;
  const [largest] = uncuttable.length > 0 && longClips === "cut" ? uncuttable : long;
  const grid = (largest as GridShare).grid;
  const clips = (of: readonly GridShare[]): number => of.reduce((sum, { count }) => sum + count, 0);
  const enough = `tokens ${gridSize(grid)}`;
  const hint = uncuttable.length > 0 ? "smaller frames" : "longClips cut, which leaves off their last frames";
  throw new UserError("packing.tokens", {
    expected: `at least ${gridSize(grid)} for the clips of ${gridKey(grid)} tokens`,
    got: `${tokens}, too few for ${clips(long)} of ${clips(all)} clips`,
    try: `${enough}, or ${hint}`,
  });
}

function cutInTime({ h, w }: Grid, tokens: number): Grid {
  return { t: Math.floor(tokens / (h * w)), h, w };
}

function mergesOf(histogram: readonly GridShare[], rareShare: number): Redraw[] {
  const clips = histogram.reduce((sum, { count }) => sum + count, 0);
  const isRare = ({ count }: GridShare): boolean => count < rareShare * clips;
  const targets = histogram.filter((entry) => !isRare(entry)).map(({ grid }) => grid);
  return histogram.filter(isRare).flatMap(({ grid, count }) => {
    const to = targets.find(({ t, h, w }) => t <= grid.t && h <= grid.h && w <= grid.w);
    return to !== undefined && gridSize(to) >= LEAST_KEPT * gridSize(grid) ? [{ from: grid, to, count }] : [];
  });
}

function applied(histogram: readonly GridShare[], redraws: readonly Redraw[]): GridShare[] {
  return mergeCounts(histogram.map(({ grid, count }) => ({ grid: find(redraws, grid)?.to ?? grid, count })));
}

function find(redraws: readonly Redraw[], grid: Grid): Redraw | undefined {
  return redraws.find(({ from }) => gridKey(from) === gridKey(grid));
}
