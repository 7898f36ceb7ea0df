import { UserError } from "../base/errors.ts";
import { compareGrids, type Grid, gridKey, gridSize } from "../base/grid.ts";

/** Which grids a pack holds, end to end, and how often it is drawn. */
export interface Plan {
  /** Sorted by `compareGrids`. */
  readonly grids: readonly Grid[];
  /** Share of all draws, in (0, 1]; the rates of all plans sum to 1. */
  readonly rate: number;
}

/** Clips of one grid: a grid in tokens and how many clips have it. */
export interface GridShare {
  readonly grid: Grid;
  readonly count: number;
}

export interface PlanBudget {
  /** Tokens a pack may hold. */
  readonly tokens: number;
  /** Programs that may be compiled, one for each plan. */
  readonly maxPlans: number;
}

/** Packs that are filled before the most frequent ones are chosen. */
const TRIALS_PER_PLAN = 64;
const FIT_ROUNDS = 2000;
/** Packs that are considered, most frequent first, and how well their rates are fitted meanwhile. */
const TRIED_PACKS = 100;
const TRIED_ROUNDS = 60;
/** A rate that the fit has driven to nothing. */
const NEVER_DRAWN = 1e-9;

/**
 * Chooses at most `maxPlans` plans of at most `tokens` tokens so that every grid of the histogram stands in one of them
 * and clips are drawn about as often as they occur. Greedy: packs are filled one after the other with the grid that is
 * furthest behind its share, the most frequent packs are kept, and their rates are fitted to the histogram.
 * @throws UserError when a grid is larger than a pack, or the grids need more plans.
 */
export function choosePlans(histogram: readonly GridShare[], { tokens, maxPlans }: PlanBudget): Plan[] {
  const shares = normalise(histogram);
  for (const { grid } of shares) {
    if (gridSize(grid) > tokens) {
      throw new UserError("packing.tokens", {
        expected: `at least ${gridSize(grid)} for the clips of ${gridKey(grid)} tokens`,
        got: String(tokens),
        try: `tokens ${gridSize(grid)} or shorter or smaller clips`,
      });
    }
  }
  const packs = keepPacks(shares, tokens, maxPlans);
  const { rates } = fitRates(shares, packs);
  return packs.map((grids, i) => ({ grids, rate: rates[i] as number })).filter(({ rate }) => rate > NEVER_DRAWN);
}

/** Mean share of a pack's tokens that hold a clip, in (0, 1]. */
export function fillOf(plans: readonly Plan[], tokens: number): number {
  return plans.reduce((sum, { grids, rate }) => sum + (rate * tokensIn(grids)) / tokens, 0);
}

function normalise(histogram: readonly GridShare[]): GridShare[] {
  const byKey = new Map<string, GridShare>();
  for (const { grid, count } of histogram) {
    if (count <= 0) continue;
    const key = gridKey(grid);
    byKey.set(key, { grid, count: count + (byKey.get(key)?.count ?? 0) });
  }
  if (byKey.size === 0) throw new UserError("packing", { expected: "a dataset with clips", got: "no clips" });
  const total = [...byKey.values()].reduce((sum, { count }) => sum + count, 0);
  return [...byKey.values()]
    .map(({ grid, count }) => ({ grid, count: count / total }))
    .sort((a, b) => compareGrids(a.grid, b.grid));
}

/** The packs to keep: first such that every grid is held by one, then those that bring the draws nearest to the shares. */
function keepPacks(shares: readonly GridShare[], tokens: number, maxPlans: number): Grid[][] {
  const trials = fillPacks(shares, tokens, TRIALS_PER_PLAN * Math.max(maxPlans, shares.length));
  const candidates = [...trials.values()].sort((a, b) => b.times - a.times || tokensIn(b.grids) - tokensIn(a.grids));
  const missing = new Set(shares.map(({ grid }) => gridKey(grid)));
  const newIn = (grids: readonly Grid[]): number => new Set(grids.map(gridKey).filter((key) => missing.has(key))).size;
  const kept: Grid[][] = [];
  while (missing.size > 0) {
    const best = candidates.reduce((a, b) => (newIn(b.grids) > newIn(a.grids) ? b : a)).grids;
    kept.push(best);
    for (const grid of best) missing.delete(gridKey(grid));
  }
  if (kept.length > maxPlans) {
    throw new UserError("packing.maxPlans", {
      expected: `at least ${kept.length} plans of ${tokens} tokens for ${shares.length} grids`,
      got: String(maxPlans),
      try: `maxPlans ${kept.length} or more tokens`,
    });
  }
  const tried = candidates.slice(0, TRIED_PACKS).map(({ grids }) => grids);
  while (kept.length < maxPlans) {
    const more = tried.filter((grids) => !kept.includes(grids));
    const best = minimumBy(more, (grids) => fitRates(shares, [...kept, grids], TRIED_ROUNDS).misfit);
    if (best === undefined) break;
    kept.push(best);
  }
  return kept;
}

interface Trial {
  readonly grids: Grid[];
  times: number;
}

/** Fills packs one after the other; returns the different ones with how often each came up. */
function fillPacks(shares: readonly GridShare[], tokens: number, atLeast: number): Map<string, Trial> {
  const trials = new Map<string, Trial>();
  const picked = shares.map(() => 0);
  const furthestBehind = (room: number): number => {
    let best = -1;
    let bestTurn = Number.POSITIVE_INFINITY;
    shares.forEach(({ grid, count }, i) => {
      const turn = ((picked[i] as number) + 0.5) / count;
      if (gridSize(grid) <= room && turn < bestTurn) [best, bestTurn] = [i, turn];
    });
    return best;
  };
  for (let pack = 0; pack < atLeast || picked.includes(0); pack++) {
    const grids: Grid[] = [];
    let room = tokens;
    for (let next = furthestBehind(room); next >= 0; next = furthestBehind(room)) {
      const grid = (shares[next] as GridShare).grid;
      grids.push(grid);
      room -= gridSize(grid);
      picked[next] = (picked[next] as number) + 1;
    }
    grids.sort(compareGrids);
    const key = grids.map(gridKey).join();
    const trial = trials.get(key) ?? { grids, times: 0 };
    trial.times += 1;
    trials.set(key, trial);
  }
  return trials;
}

interface Fit {
  /** One for each pack; they sum to 1. */
  readonly rates: number[];
  /** Kullback-Leibler divergence of the drawn shares from the wanted ones, in nats. */
  readonly misfit: number;
}

/**
 * Rates with which the packs draw each grid in proportion to its share, as nearly as non-negative rates can.
 * Multiplicative updates of the weighted Kullback-Leibler fit. Source: Lee & Seung 2001, theorem 2.
 */
function fitRates(shares: readonly GridShare[], packs: readonly (readonly Grid[])[], rounds = FIT_ROUNDS): Fit {
  const numHeld = packs.map((grids) => {
    const keys = grids.map(gridKey);
    return shares.map(({ grid }) => keys.filter((key) => key === gridKey(grid)).length);
  });
  let rates = packs.map(({ length }) => 1 / (length * packs.length));
  const drawnOf = (g: number): number => numHeld.reduce((sum, held, p) => sum + (held[g] ?? 0) * (rates[p] ?? 0), 0);
  for (let round = 0; round < rounds; round++) {
    const lacking = shares.map(({ count }, g) => count / drawnOf(g));
    rates = numHeld.map((held, p) => {
      const gain = held.reduce((sum, number, g) => sum + number * (lacking[g] ?? 0), 0);
      return ((rates[p] ?? 0) * gain) / (packs[p]?.length ?? 1);
    });
  }
  const misfit = shares.reduce((sum, { count }, g) => sum + count * Math.log(count / drawnOf(g)), 0);
  const total = rates.reduce((sum, rate) => sum + rate, 0);
  return { rates: rates.map((rate) => rate / total), misfit };
}

function minimumBy<T>(items: readonly T[], costOf: (item: T) => number): T | undefined {
  const costs = items.map(costOf);
  return items[costs.indexOf(Math.min(...costs))];
}

function tokensIn(grids: readonly Grid[]): number {
  return grids.reduce((sum, grid) => sum + gridSize(grid), 0);
}
