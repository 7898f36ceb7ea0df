import { LinearProgram, type Solution } from "./linearProgram.ts";
import type { PackingProblem, Pattern } from "./problem.ts";
import type { Standing } from "./simplexBasis.ts";
import type { Entry } from "./simplexVariables.ts";

/** What a set of patterns at its best rates is worth. */
export interface Rated {
  /** Share of all draws that each pattern has; they sum to 1. */
  readonly rates: readonly number[];
  /** Total-variation distance of the shares drawn from those wanted. */
  readonly frequencyError: number;
  /** Sum over the grids of how much too often each is drawn, relative to its share. */
  readonly overdraw: number;
  /** Rate-weighted mean share of the budget that is filled. */
  readonly fill: number;
  /** FLOPs of the dearest pattern that is drawn, over those of the cheapest. */
  readonly maxCostRatio: number;
  /** Patterns that are drawn. */
  readonly numDrawn: number;
  /** For each grid, whether it is drawn less than half as often as wanted. */
  readonly isNeglected: readonly boolean[];
  readonly numNeglected: number;
  /** To be minimised: see `PENALTIES`. */
  readonly score: number;
  readonly prices: Prices;
  /** Of the linear program's rows: one for each grid, then those of all clips, the error and the fill. */
  readonly duals: Float64Array;
}

/** What a unit of error, and of unfilled budget, costs at the margin. */
export interface Prices {
  readonly error: number;
  readonly emptiness: number;
}

/**
 * The score of a set of plans. It counts the frequency error once, and far more what is missed: every grid is to be
 * drawn, then the error to be in its bound, then the fill. Rare grids hardly show in the error: what each is drawn too
 * often, relative to its share, counts by itself, a hundred times too often like an error of 0.02. A plan must be worth its compilation: at 0.0005, sixteen
 * plans in place of eight must lower the error by 0.004.
 */
export const PENALTIES = {
  neglect: 1000,
  excessError: 300,
  lackingFill: 100,
  error: 1,
  overdraw: 0.0002,
  emptiness: 0.02,
  perPlan: 0.0005,
} as const;

/** A grid drawn less often than this, relative to its share, is neglected. */
export const LEAST_DRAWN = 0.5;
/** How far a target may be missed, and a grid drawn less than half as often as wanted, relative to its share. */
const MET = 1e-7;
const NEGLECTED = 1e-5;
/** A rate below which a pattern is not drawn at all. */
const NEVER = 1e-8;

/**
 * The best rates of a few patterns, by a linear program that is kept from one set of patterns to the next: columns for
 * the patterns, and for each grid how far it is drawn too often, too seldom, and less than half as often as wanted.
 * Draws of a grid are counted in the root of its share and packs in their mean number, so that rare grids are not rounded
 * away, nor the common ones beside them.
 */
export class RateProgram {
  private readonly problem: PackingProblem;
  private readonly fillTarget: number;
  private readonly program: LinearProgram;
  private readonly balances: readonly number[];
  private readonly clips: number;
  private readonly error: number;
  private readonly fill: number;
  private readonly firstPattern: number;

  /** @param fillTarget the fill to reach; less than the problem's where no plans reach that. */
  constructor(problem: PackingProblem, fillTarget: number) {
    const { shares, frequencyError } = problem;
    this.problem = problem;
    this.fillTarget = fillTarget;
    const program = new LinearProgram();
    this.program = program;
    this.balances = shares.map((share) => program.addRow(Math.sqrt(share), Math.sqrt(share)));
    this.clips = program.addRow(1, 1);
    this.error = program.addRow(Number.NEGATIVE_INFINITY, frequencyError);
    this.fill = program.addRow(Number.NEGATIVE_INFINITY, 0);
    for (const [i, share] of shares.entries()) {
      const root = Math.sqrt(share);
      const balance = this.balances[i] as number;
      const error: Entry = [this.error, root / 2];
      const cost = (PENALTIES.error * root) / 2;
      program.addColumn(cost + PENALTIES.overdraw / root, Number.POSITIVE_INFINITY, [[balance, -1], error]);
      program.addColumn(cost, (1 - LEAST_DRAWN) * root, [[balance, 1], error]);
      program.addColumn(cost + PENALTIES.neglect / LEAST_DRAWN / root, LEAST_DRAWN * root, [[balance, 1], error]);
    }
    program.addColumn(PENALTIES.excessError, Number.POSITIVE_INFINITY, [[this.error, -1]]);
    program.addColumn(PENALTIES.lackingFill, Number.POSITIVE_INFINITY, [[this.fill, -1]]);
    this.firstPattern = 3 * shares.length + 2;
  }

  /** Cells of the inverse written so far. */
  get work(): number {
    return this.program.work;
  }

  /** Adds a pattern; returns its column. */
  add(pattern: Pattern): number {
    const column = this.program.addColumn(this.costOf(pattern), Number.POSITIVE_INFINITY, this.entriesOf(pattern));
    return column - this.firstPattern;
  }

  /**
   * The most that a pattern could lower the linear program's part of a score, put in place of any other or beside all:
   * its reduced cost, times the rate at which it would draw every clip.
   */
  gainOf(pattern: Pattern, { duals }: Pick<Rated, "duals">): number {
    const worth = this.entriesOf(pattern).reduce((sum, [row, value]) => sum + (duals[row] as number) * value, 0);
    return Math.max(0, worth - this.costOf(pattern)) / (pattern.clips * this.problem.packsPerClip);
  }

  /** Takes a pattern out; its column goes to the next that is added. */
  remove(column: number): void {
    this.program.removeColumn(this.firstPattern + column);
  }

  /** Lets a pattern be drawn, or not. */
  allow(column: number, isAllowed: boolean): void {
    this.program.changeUpper(this.firstPattern + column, isAllowed ? Number.POSITIVE_INFINITY : 0);
  }

  /** The best times to draw the patterns that are allowed. */
  solve(): Solution {
    return this.program.solve();
  }

  /** The same; undefined where it is known to be above a limit. */
  solveBelow(limit: number): Solution | undefined {
    return this.program.solveBelow(limit);
  }

  /** What `restore` takes. */
  keep(): Standing {
    return this.program.keep();
  }

  /** Goes back to the patterns that were best then; those are still there. */
  restore(standing: Standing): void {
    this.program.restore(standing);
  }

  /** How often each pattern is drawn for every clip drawn, times `packsPerClip`. */
  timesOf({ columns: values }: Solution, columns: readonly number[]): number[] {
    return columns.map((column) => Math.max(0, values[this.firstPattern + column] as number));
  }

  /** Whether every grid is drawn, and error and fill keep to their targets. */
  isMet({ columns: values }: Solution): boolean {
    const isNone = (column: number): boolean => (values[column] as number) < MET;
    const isDrawn = this.problem.shares.every(
      (share, i) => (values[3 * i + 2] as number) < NEGLECTED * Math.sqrt(share),
    );
    return isDrawn && isNone(this.firstPattern - 2) && isNone(this.firstPattern - 1);
  }

  /** What error and emptiness cost at the margin. */
  pricesOf({ duals }: Pick<Solution, "duals">): Prices {
    return {
      error: PENALTIES.error + Math.abs(duals[this.error] as number),
      emptiness: PENALTIES.emptiness + Math.abs(duals[this.fill] as number),
    };
  }

  /** The best rates of the patterns that are allowed. @param columns of the patterns, in their order. */
  rate(patterns: readonly Pattern[], columns: readonly number[]): Rated {
    const { columns: values, duals } = this.program.solve();
    const packs = columns.map((column) => values[this.firstPattern + column] as number);
    const total = packs.reduce((sum, times) => sum + (times > NEVER ? times : 0), 0);
    const rates = packs.map((times) => (times > NEVER ? times / total : 0));
    const figures = figuresOf(this.problem, patterns, rates);
    const { balance, frequencyError } = this.problem;
    const score =
      PENALTIES.neglect * figures.numNeglected +
      PENALTIES.excessError * Math.max(0, figures.frequencyError - frequencyError) +
      PENALTIES.lackingFill * Math.max(0, this.fillTarget - figures.fill) +
      PENALTIES.error * figures.frequencyError +
      PENALTIES.overdraw * figures.overdraw +
      PENALTIES.emptiness * (1 - figures.fill) +
      PENALTIES.perPlan * figures.numDrawn +
      balance * (figures.maxCostRatio - 1);
    return { rates, ...figures, score, prices: this.pricesOf({ duals }), duals };
  }

  /** What one more clip of each grid in a pattern adds to its reduced cost. */
  reducedCosts({ duals }: Pick<Rated, "duals">): number[] {
    const { sizes, shares, tokens, packsPerClip } = this.problem;
    return sizes.map((size, i) => {
      const draw =
        (duals[this.balances[i] as number] as number) / Math.sqrt(shares[i] as number) + (duals[this.clips] as number);
      return -draw * packsPerClip + (((duals[this.fill] as number) - PENALTIES.emptiness) * size) / tokens;
    });
  }

  private costOf({ tokens }: Pattern): number {
    return (-PENALTIES.emptiness * tokens) / this.problem.tokens;
  }

  private entriesOf({ counts, clips, tokens }: Pattern): Entry[] {
    const { tokens: budget, packsPerClip, shares } = this.problem;
    const draws = this.balances.map(
      (row, i): Entry => [row, ((counts[i] as number) * packsPerClip) / Math.sqrt(shares[i] as number)],
    );
    return [
      ...draws.filter(([, value]) => value > 0),
      [this.clips, clips * packsPerClip],
      [this.fill, this.fillTarget - tokens / budget],
    ];
  }
}

type Figures = Pick<
  Rated,
  "frequencyError" | "overdraw" | "fill" | "maxCostRatio" | "numDrawn" | "isNeglected" | "numNeglected"
>;

function figuresOf(
  { shares, tokens: budget }: PackingProblem,
  patterns: readonly Pattern[],
  rates: readonly number[],
): Figures {
  const got = new Float64Array(shares.length);
  let [clips, tokens, dearest, cheapest, numDrawn] = [0, 0, 0, Number.POSITIVE_INFINITY, 0];
  for (const [slot, pattern] of patterns.entries()) {
    const rate = rates[slot] as number;
    if (rate === 0) continue;
    numDrawn++;
    clips += rate * pattern.clips;
    tokens += rate * pattern.tokens;
    dearest = Math.max(dearest, pattern.cost);
    cheapest = Math.min(cheapest, pattern.cost);
    for (let i = 0; i < got.length; i++) got[i] = (got[i] as number) + rate * (pattern.counts[i] as number);
  }
  let [frequencyError, overdraw, numNeglected] = [0, 0, 0];
  const isNeglected = shares.map((share, i) => {
    const drawn = (got[i] as number) / clips;
    frequencyError += Math.abs(drawn - share) / 2;
    overdraw += Math.max(0, drawn / share - 1);
    const isTooSeldom = drawn < share * LEAST_DRAWN * (1 - 1e-4);
    if (isTooSeldom) numNeglected++;
    return isTooSeldom;
  });
  const [fill, maxCostRatio] = [tokens / budget, dearest / cheapest];
  return { frequencyError, overdraw, fill, maxCostRatio, numDrawn, isNeglected, numNeglected };
}
