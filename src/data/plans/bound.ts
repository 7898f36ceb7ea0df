import { Knapsack } from "./knapsack.ts";
import { LinearProgram } from "./linearProgram.ts";
import { type PackingProblem, type Pattern, patternOf } from "./problem.ts";

/** The best that any number of plans could do. */
export interface FillBound {
  /** No set of plans within the frequency error fills more than this share of a pack's tokens. */
  readonly fill: number;
  /** Packs that were found on the way, most frequent first, and how full they are; they reach the bound or nearly so. */
  readonly patterns: readonly Pattern[];
  readonly reached: number;
}

/** Column generation ends when a further pack could raise the fill by less. */
const GAP = 1e-7;
/** Rows of the linear programs solved, after which the bound stays as it is: 400 rounds for 40 grids. */
const MAX_ROWS = 16_000;

/**
 * How full packs can be on average while the shares of clips drawn stay within the frequency error, were plans without
 * number. A linear program over all packs that there are: those that help are found by a knapsack over its duals, and
 * the best reduced cost bounds what the packs not looked at could add, so that the bound holds wherever it stops.
 * Source: Gilmore & Gomory 1961; the bound is that of Farley 1990 with rates that sum to 1.
 */
export function boundFill(problem: PackingProblem): FillBound {
  const { sizes, shares, tokens, frequencyError } = problem;
  const program = new LinearProgram();
  const balances = sizes.map(() => program.addRow(0, 0));
  const clips = program.addRow(0, 0);
  const error = program.addRow(Number.NEGATIVE_INFINITY, 0);
  const draws = program.addRow(1, 1);
  for (const balance of balances) {
    for (const sign of [1, -1]) {
      program.addColumn(0, Number.POSITIVE_INFINITY, [
        [balance, sign],
        [error, 0.5],
      ]);
    }
  }
  const wanted = balances.map((row, i) => [row, -at(shares, i)] as const);
  program.addColumn(0, Number.POSITIVE_INFINITY, [...wanted, [clips, -1], [error, -frequencyError]]);
  const firstPattern = 2 * sizes.length + 1;
  const patterns: Pattern[] = [];
  const add = (counts: Int32Array): void => {
    const pattern = patternOf(problem, counts);
    const held = balances.map((row, i) => [row, at(counts, i)] as const).filter(([, count]) => count > 0);
    const ends = [[clips, pattern.clips] as const, [draws, 1] as const];
    program.addColumn(-pattern.tokens / tokens, Number.POSITIVE_INFINITY, [...held, ...ends]);
    patterns.push(pattern);
  };
  for (const [i, size] of sizes.entries()) add(onlyOf(i, Math.floor(tokens / size), sizes.length));

  const knapsack = new Knapsack(sizes, tokens);
  let [fill, reached] = [1, 0];
  let rates = new Float64Array();
  for (let rows = 0; rows <= MAX_ROWS; rows += sizes.length) {
    const { objective, columns, duals } = program.solve();
    rates = columns.slice(firstPattern);
    reached = -objective;
    const offers = sizes.map((size, i) => {
      const cost = -size / tokens - at(duals, i) - at(duals, clips);
      return [{ cost, copies: Number.POSITIVE_INFINITY }];
    });
    const best = knapsack.cheapest(offers, 1);
    if (best === undefined) break;
    const cost = offers.reduce((sum, [offer], i) => sum + (offer?.cost ?? 0) * at(best, i), 0);
    const reducedCost = Math.min(0, cost - at(duals, draws));
    fill = Math.min(fill, reached - reducedCost);
    if (reducedCost > -GAP) break;
    add(best);
  }
  const used = patterns.map((pattern, i) => ({ pattern, rate: rates[i] ?? 0 })).filter(({ rate }) => rate > GAP);
  return { fill, reached, patterns: used.sort((a, b) => b.rate - a.rate).map(({ pattern }) => pattern) };
}

function onlyOf(grid: number, copies: number, numGrids: number): Int32Array {
  return Int32Array.from({ length: numGrids }, (_, i) => (i === grid ? copies : 0));
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}
