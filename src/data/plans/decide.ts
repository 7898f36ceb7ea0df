import { UserError } from "../../base/errors.ts";
import { type Grid, gridKey, gridSize } from "../../base/grid.ts";
import { type AssignRules, assignGrids, type Redraw } from "./assign.ts";
import { choosePlans, type PlanSet } from "./choosePlans.ts";
import { type CostModel, costBesideAttention, packCost } from "./cost.ts";
import { drawnShares, type GridShare, tokensIn } from "./plan.ts";
import type { PlanTargets } from "./problem.ts";

/** How clips are to be packed. */
export interface PackingOptions extends PlanTargets, AssignRules {
  /** Plans, one masked program for any arrangement, or whichever costs less. */
  readonly mode: "auto" | "plans" | "masked";
}

/** How often clips of a grid are drawn. */
export interface GridDraw {
  readonly grid: Grid;
  /** Share of the clips. */
  readonly wanted: number;
  /** Share of the clips drawn. */
  readonly drawn: number;
}

/** What a decision rests on. */
export interface PackingReport {
  /** Tokens a pack may hold. */
  readonly tokens: number;
  /** Grids that are drawn, sorted by `compareGrids`. */
  readonly draws: readonly GridDraw[];
  /** Which grid each grid of the data is drawn as, by grid key; see `crop`. */
  readonly assignment: ReadonlyMap<string, Grid>;
  readonly cut: readonly Redraw[];
  readonly merged: readonly Redraw[];
  /** FLOPs per token of a clip that was wanted; undefined where plans do not hold every grid or were not asked for. */
  readonly costs: { readonly plans: number | undefined; readonly masked: number };
  /** A sentence each: which targets are missed and why, and why this mode was chosen. */
  readonly explanations: readonly string[];
}

/** Packs are drawn from a few plans, each compiled once. */
export interface PlannedPacking extends PackingReport, PlanSet {
  readonly mode: "plans";
}

/** Any clips that fit make a pack, for one program whose attention is masked. */
export interface MaskedPacking extends PackingReport {
  readonly mode: "masked";
  /** Rows of equal length that the pack's tokens are cut into: attention runs over a row. */
  readonly rows: number;
  /** Clips that all rows together have room for. */
  readonly maxClips: number;
  /** The plans that were found wanting; undefined when none were asked for. */
  readonly rejected: PlanSet | undefined;
}

export type PackingDecision = PlannedPacking | MaskedPacking;

/** A masked pack has room for so many times the clips that fill one on average. */
const CLIP_ROOM = 2;

/**
 * Decides how clips are packed. A plan costs its clips' own attention; what it draws too often beyond the frequency error
 * allowed is wasted, and what it leaves empty below the fill target counts as if it were padded. A masked pack costs attention over each of its rows.
 * @param histogram grids of the clips in tokens. @param cost FLOPs of a training step.
 * @throws UserError when there are no clips, clips are larger than a pack, or `mode` asks for plans and `maxPlans` are
 * too few to hold every grid.
 */
export async function decidePacking(
  histogram: readonly GridShare[],
  options: PackingOptions,
  cost: CostModel,
): Promise<PackingDecision> {
  const { histogram: drawn, ...redraws } = assignGrids(histogram, options);
  const set = options.mode === "masked" ? undefined : await choosePlans(drawn, options, cost);
  const rows = rowsFor(drawn, options.tokens);
  const masked = maskedCost(drawn, options.tokens / rows, set?.bounds.fill ?? 1, cost);
  const plans = set === undefined || set.neglected.length > 0 ? undefined : plansCost(set, options, cost);
  const report = { tokens: options.tokens, ...redraws, costs: { plans, masked } };
  if (set !== undefined && (options.mode === "plans" || (plans !== undefined && plans <= masked))) {
    if (plans === undefined) throw tooFewPlans(set, drawn, options);
    return { mode: "plans", ...report, ...set, draws: drawsOf(drawn, drawnShares(set.plans)) };
  }
  const explanations = [...(set?.explanations ?? []), ...maskedBecause(plans, masked, options)];
  const maxClips = clipRoom(drawn, options.tokens);
  return { mode: "masked", ...report, rows, maxClips, rejected: set, draws: drawsOf(drawn), explanations };
}

/** Rows of twice the longest clip or more fill well; shorter ones cost less attention. */
function rowsFor(histogram: readonly GridShare[], tokens: number): number {
  return Math.max(1, Math.floor(tokens / (2 * Math.max(...histogram.map(({ grid }) => gridSize(grid))))));
}

/** FLOPs per token of a wanted clip, were attention to run over all tokens of a row, those without a clip among them. */
function maskedCost(histogram: readonly GridShare[], rowTokens: number, fill: number, cost: CostModel): number {
  const sum = (of: (grid: Grid) => number): number =>
    histogram.reduce((total, { grid, count }) => total + count * of(grid), 0);
  const ownCost = sum((grid) => costBesideAttention(cost, grid)) / sum(gridSize);
  return ownCost + cost.perToken * (1 / fill - 1) + (cost.perTokenPair * rowTokens) / fill;
}

function plansCost({ plans, frequencyError }: PlanSet, targets: PlanTargets, cost: CostModel): number {
  const { fill, tokens } = targets;
  const wasted = Math.max(0, frequencyError - targets.frequencyError);
  let [spent, used] = [0, 0];
  for (const { grids, rate } of plans) {
    const empty = Math.max(0, fill * tokens - tokensIn(grids));
    spent += rate * (packCost(cost, grids) + cost.perToken * empty);
    used += rate * tokensIn(grids);
  }
  return spent / (used * (1 - wasted));
}

function maskedBecause(plans: number | undefined, masked: number, { mode, maxPlans }: PackingOptions): string[] {
  if (mode === "masked") return [];
  if (plans === undefined) return [`masked packs: ${maxPlans} plans do not hold every grid`];
  const percent = (100 * (plans / masked - 1)).toFixed(0);
  return [`masked packs: plans would cost ${percent} % more for each token that is wanted`];
}

function tooFewPlans({ bounds, neglected }: PlanSet, histogram: readonly GridShare[], options: PackingOptions) {
  const { tokens, maxPlans } = options;
  const enough = firstFit(histogram, tokens);
  const needed = bounds.plans > maxPlans ? `at least ${bounds.plans}` : `at least ${maxPlans + 1}`;
  return new UserError("packing.maxPlans", {
    expected: `${needed} plans of ${tokens} tokens for ${histogram.length} grids`,
    got: `${maxPlans}, which leave out ${neglected.map(gridKey).slice(0, 3).join(", ")}${neglected.length > 3 ? " ..." : ""}`,
    try: `maxPlans ${Math.max(enough, maxPlans + 1)}, more tokens, or mode masked`,
  });
}

/** Plans that certainly hold every grid: each grid goes into the first that has room. */
function firstFit(histogram: readonly GridShare[], tokens: number): number {
  const rooms: number[] = [];
  for (const { grid } of histogram) {
    const fitting = rooms.findIndex((room) => room >= gridSize(grid));
    if (fitting < 0) rooms.push(tokens - gridSize(grid));
    else rooms[fitting] = (rooms[fitting] as number) - gridSize(grid);
  }
  return rooms.length;
}

function clipRoom(histogram: readonly GridShare[], tokens: number): number {
  const clips = histogram.reduce((sum, { count }) => sum + count, 0);
  const meanSize = histogram.reduce((sum, { grid, count }) => sum + gridSize(grid) * (count / clips), 0);
  const smallest = Math.min(...histogram.map(({ grid }) => gridSize(grid)));
  return Math.min(Math.floor(tokens / smallest), Math.ceil((CLIP_ROOM * tokens) / meanSize));
}

/** @param drawn shares by grid key; without them every grid is drawn as wanted. */
function drawsOf(histogram: readonly GridShare[], drawn?: ReadonlyMap<string, number>): GridDraw[] {
  const clips = histogram.reduce((sum, { count }) => sum + count, 0);
  return histogram.map(({ grid, count }) => {
    const wanted = count / clips;
    return { grid, wanted, drawn: drawn === undefined ? wanted : (drawn.get(gridKey(grid)) ?? 0) };
  });
}
