import { type Grid, gridSize } from "../../base/grid.ts";
import { type CostModel, clipCost } from "./cost.ts";
import type { GridShare } from "./plan.ts";

/** What is wanted of plans. */
export interface PlanTargets {
  /** Tokens a pack may hold. */
  readonly tokens: number;
  /** Programs that may be compiled, one for each plan. */
  readonly maxPlans: number;
  /** Share of a pack's tokens that should hold a clip, in (0, 1]. */
  readonly fill: number;
  /** How far the shares of clips drawn may be from those wanted (total variation), in [0, 1]. */
  readonly frequencyError: number;
  /** What a ratio of 1 more between the dearest and the cheapest plan weighs against that error. */
  readonly balance: number;
}

/** A histogram to be packed, in the terms of the solver. Arrays have one value for each grid. */
export interface PackingProblem extends PlanTargets {
  readonly grids: readonly Grid[];
  /** Tokens. */
  readonly sizes: readonly number[];
  /** Wanted shares of all clips; they sum to 1. */
  readonly shares: readonly number[];
  /** FLOPs. */
  readonly costs: readonly number[];
  /** Packs that one clip fills on average, were packs full. */
  readonly packsPerClip: number;
}

/** Counts of each grid in a pack, with their sums. */
export interface Pattern {
  readonly counts: Int32Array;
  readonly clips: number;
  readonly tokens: number;
  readonly cost: number;
}

/** @param histogram no grid larger than the budget, each once. */
export function packingProblem(histogram: readonly GridShare[], targets: PlanTargets, cost: CostModel): PackingProblem {
  const clips = histogram.reduce((sum, { count }) => sum + count, 0);
  const sizes = histogram.map(({ grid }) => gridSize(grid));
  const shares = histogram.map(({ count }) => count / clips);
  const meanSize = sizes.reduce((sum, size, i) => sum + size * (shares[i] as number), 0);
  return {
    ...targets,
    grids: histogram.map(({ grid }) => grid),
    sizes,
    shares,
    costs: histogram.map(({ grid }) => clipCost(cost, grid)),
    packsPerClip: meanSize / targets.tokens,
  };
}

export function patternOf({ sizes, costs }: PackingProblem, counts: Int32Array): Pattern {
  let [clips, tokens, cost] = [0, 0, 0];
  for (const [i, count] of counts.entries()) {
    clips += count;
    tokens += count * (sizes[i] as number);
    cost += count * (costs[i] as number);
  }
  return { counts, clips, tokens, cost };
}
