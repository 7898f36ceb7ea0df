import { Knapsack } from "./knapsack.ts";
import { LinearProgram, type Solver } from "./linearProgram.ts";
import { type PackingProblem, type Pattern, patternOf } from "./problem.ts";

/** The best that any number of plans could do. */
export interface FillBound {
  /** No set of plans within the frequency error fills more than this share of a pack's tokens. */
  readonly fill: number;
  /** Packs that reach it, most frequent first. */
  readonly patterns: readonly Pattern[];
}

/** Column generation ends when a further pack could raise the fill by less. */
const GAP = 1e-7;
const MAX_ROUNDS = 400;

/**
 * How full packs can be on average while the shares of clips drawn stay within the frequency error, were plans without
 * number. A linear program over all packs that there are: those that help are found by a knapsack over its duals, and
 * the best reduced cost bounds what the packs not looked at could add, so that the bound holds wherever it stops.
 * Source: Gilmore & Gomory 1961; the bound is that of Farley 1990 with rates that sum to 1.
 */
export function boundFill(solver: Solver, problem: PackingProblem): FillBound {
  const { sizes, shares, tokens, frequencyError } = problem;
  const program = new LinearProgram(solver);
  try {
    const balances = sizes.map(() => program.addRow(0, 0));
    const error = program.addRow(Number.NEGATIVE_INFINITY, 0);
    const draws = program.addRow(1, 1);
    for (const balance of balances) {
      for (const sign of [1, -1])
        program.addColumn(0, Number.POSITIVE_INFINITY, [
          [balance, sign],
          [error, 0.5],
        ]);
    }
    const firstPattern = 2 * sizes.length;
    const patterns: Pattern[] = [];
    const add = (counts: Int32Array): void => {
      const pattern = patternOf(problem, counts);
      const surplus = balances.map((row, i) => [row, at(counts, i) - at(shares, i) * pattern.clips] as const);
      program.addColumn(-pattern.tokens / tokens, Number.POSITIVE_INFINITY, [
        ...surplus.filter(([, value]) => value !== 0),
        [error, -frequencyError * pattern.clips],
        [draws, 1],
      ]);
      patterns.push(pattern);
    };
    for (const [i, size] of sizes.entries()) add(onlyOf(i, Math.floor(tokens / size), sizes.length));

    const knapsack = new Knapsack(sizes, tokens);
    let fill = 1;
    let rates = new Float64Array();
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const { objective, columns, duals } = program.solve();
      rates = columns.slice(firstPattern);
      const perClip = balances.reduce((sum, row, i) => sum + at(duals, row) * at(shares, i), 0);
      const offers = sizes.map((size, i) => {
        const cost = -size / tokens - at(duals, i) + perClip + frequencyError * at(duals, error);
        return [{ cost, copies: Number.POSITIVE_INFINITY }];
      });
      const best = knapsack.cheapest(offers, 1);
      if (best === undefined) break;
      const cost = offers.reduce((sum, [offer], i) => sum + (offer?.cost ?? 0) * at(best, i), 0);
      const reducedCost = Math.min(0, cost - at(duals, draws));
      fill = Math.min(fill, -objective - reducedCost);
      if (reducedCost > -GAP) break;
      add(best);
    }
    const used = patterns.map((pattern, i) => ({ pattern, rate: rates[i] ?? 0 })).filter(({ rate }) => rate > GAP);
    return { fill, patterns: used.sort((a, b) => b.rate - a.rate).map(({ pattern }) => pattern) };
  } finally {
    program.dispose();
  }
}

function onlyOf(grid: number, copies: number, numGrids: number): Int32Array {
  return Int32Array.from({ length: numGrids }, (_, i) => (i === grid ? copies : 0));
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}
