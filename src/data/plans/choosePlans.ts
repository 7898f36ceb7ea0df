import { compareGrids, type Grid } from "../../base/grid.ts";
import { boundFill } from "./bound.ts";
import { type CostModel, packCost } from "./cost.ts";
import { explainMisses } from "./explain.ts";
import { fillOf, frequencyErrorOf, type GridShare, type Plan } from "./plan.ts";
import { type PackingProblem, type Pattern, type PlanTargets, packingProblem } from "./problem.ts";
import type { Rated } from "./rates.ts";
import { PlanSearch } from "./search.ts";

/** Plans for a histogram, and how good they are. */
export interface PlanSet {
  /** Most frequent first. */
  readonly plans: readonly Plan[];
  /** Mean share of a pack's tokens that hold a clip, in (0, 1]. */
  readonly fill: number;
  /** Total-variation distance between the shares of clips drawn and those wanted, in [0, 1]. */
  readonly frequencyError: number;
  /** FLOPs of the dearest plan over those of the cheapest, at least 1. */
  readonly maxCostRatio: number;
  /** Grids that no plan holds, or that are drawn less than half as often as wanted. */
  readonly neglected: readonly Grid[];
  readonly bounds: PlanBounds;
  /** Why a target is missed, a sentence each; empty when none is. */
  readonly explanations: readonly string[];
}

/** What any set of plans could do at best: proven, not found. */
export interface PlanBounds {
  /** Fill within the frequency error, whatever the number of plans. */
  readonly fill: number;
  /** Plans that hold every grid. */
  readonly plans: number;
}

/** Rates are whole numbers of these parts of 1, so that what is printed is what is meant. */
const RATE_PARTS = 1e9;
/** Slack of the fill bound, for rounding. */
const SLACK = 1e-6;

/**
 * Chooses at most `maxPlans` plans of at most `tokens` tokens and their rates, such that drawing plans at their rates
 * draws every grid at its share. A cutting-stock problem: a linear program bounds what can be reached, a search finds
 * packs. The same histogram gives the same plans on every machine. About a second at most.
 * @param histogram grids in tokens, each once, sorted by `compareGrids`, none larger than `tokens`.
 */
export async function choosePlans(
  histogram: readonly GridShare[],
  targets: PlanTargets,
  cost: CostModel,
): Promise<PlanSet> {
  const problem = packingProblem(histogram, targets, cost);
  const bound = boundFill(problem);
  const search = new PlanSearch(problem, Math.min(targets.fill, bound.fill - SLACK));
  const { patterns, rated } = search.run(bound.patterns);
  const plans = plansOf(problem, patterns, rated);
  const costs = plans.map(({ grids }) => packCost(cost, grids));
  const found = {
    plans,
    fill: fillOf(plans, targets.tokens),
    frequencyError: frequencyErrorOf(plans, histogram),
    maxCostRatio: Math.max(...costs) / Math.min(...costs),
    neglected: problem.grids.filter((_, i) => rated.isNeglected[i]),
    bounds: { fill: Math.min(1, bound.fill), plans: leastPlans(problem) },
  };
  return { ...found, explanations: explainMisses(problem, found, bound) };
}

function plansOf({ grids }: PackingProblem, patterns: readonly Pattern[], { rates }: Rated): Plan[] {
  const whole = inParts(rates);
  const plans = patterns.map(({ counts }, i) => ({
    grids: grids.flatMap((grid, g) => Array<Grid>(counts[g] ?? 0).fill(grid)),
    rate: (whole[i] as number) / RATE_PARTS,
  }));
  return plans.filter(({ rate }) => rate > 0).sort((a, b) => b.rate - a.rate || comparePacks(a.grids, b.grids));
}

/** Shares that sum to 1 as whole parts that sum to all of them: what rounding leaves goes to the largest. */
function inParts(rates: readonly number[]): number[] {
  const whole = rates.map((rate) => Math.round(rate * RATE_PARTS));
  const rest = RATE_PARTS - whole.reduce((sum, parts) => sum + parts, 0);
  const largest = whole.indexOf(Math.max(...whole));
  return whole.map((parts, i) => (i === largest ? parts + rest : parts));
}

function comparePacks(a: readonly Grid[], b: readonly Grid[]): number {
  const differing = a.findIndex((grid, i) => b[i] === undefined || compareGrids(grid, b[i]) !== 0);
  if (differing < 0) return a.length - b.length;
  const other = b[differing];
  return other === undefined ? 1 : compareGrids(a[differing] as Grid, other);
}

/** Plans that are needed to hold every grid once: by their tokens, and by those of which no two fit into one pack. */
function leastPlans({ sizes, tokens }: PackingProblem): number {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return Math.max(Math.ceil(total / tokens), sizes.filter((size) => size > tokens / 2).length);
}
