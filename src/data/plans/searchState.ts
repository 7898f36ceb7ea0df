import type { PackingProblem, Pattern } from "./problem.ts";
import { type Rated, RateProgram } from "./rates.ts";

/** Score that a change must gain. */
const WORTHWHILE = 1e-7;

/** A pattern for one of the slots. */
export interface Replacement {
  readonly slot: number;
  readonly pattern: Pattern;
}

/** A set of patterns in slots, and the linear program that rates them. */
export class SearchState {
  rated: Rated;
  patterns: readonly Pattern[];
  private columns: readonly number[];
  private readonly problem: PackingProblem;
  private readonly program: RateProgram;

  constructor(problem: PackingProblem, fillTarget: number, patterns: readonly Pattern[]) {
    this.problem = problem;
    this.patterns = patterns;
    this.program = new RateProgram(problem, fillTarget);
    this.columns = patterns.map((pattern) => this.program.add(pattern));
    this.rated = this.program.rate(this.patterns, this.columns);
  }

  /** Cells of the linear program's inverse written so far. */
  get work(): number {
    return this.program.work;
  }

  /** Whether this scores better by more than rounding. */
  beats({ rated }: { readonly rated: Rated }): boolean {
    return this.rated.score < rated.score - WORTHWHILE;
  }

  /** Slots, least drawn first. */
  slotsByRate(): number[] {
    const { rates } = this.rated;
    return rates.map((_, slot) => slot).sort((a, b) => (rates[a] as number) - (rates[b] as number) || a - b);
  }

  /** The rate to fill a slot for: its own, or a small one when it is not drawn. */
  rateOf(slot: number): number {
    return this.rated.rates[slot] || 0.1 / this.problem.maxPlans;
  }

  packsPerClip(): number {
    return 1 / this.mean(({ clips }) => clips);
  }

  /** Share of all clips, for each grid, that all but these slots draw. */
  drawnBeside(slots: readonly number[]): number[] {
    const packsPerClip = this.packsPerClip();
    return this.problem.shares.map(
      (_, i) => packsPerClip * this.mean(({ counts }, slot) => (slots.includes(slot) ? 0 : (counts[i] as number))),
    );
  }

  /** FLOPs of the cheapest pack that is drawn. */
  leastCost(): number {
    return Math.min(
      ...this.patterns.filter((_, slot) => (this.rated.rates[slot] as number) > 0).map(({ cost }) => cost),
    );
  }

  meanCost(): number {
    return this.mean(({ cost }) => cost);
  }

  /** Whether putting patterns into slots could score better: by the linear program's duals, or by nearer costs. */
  mayGain(changes: readonly Replacement[]): boolean {
    const gain = changes.reduce((sum, { pattern }) => sum + this.program.gainOf(pattern, this.rated), 0);
    if (gain > WORTHWHILE) return true;
    const { rates, maxCostRatio } = this.rated;
    const slots = changes.map(({ slot }) => slot);
    const kept = this.patterns.filter((_, slot) => (rates[slot] as number) > 0 && !slots.includes(slot));
    const costs = [...kept, ...changes.map(({ pattern }) => pattern)].map(({ cost }) => cost);
    return Math.max(...costs) / Math.min(...costs) < maxCostRatio;
  }

  /** What one more clip of each grid would bring or cost a pattern that is added, at the margin. */
  reducedCosts(): number[] {
    return this.program.reducedCosts(this.rated);
  }

  /** Puts patterns into slots when that scores better; whether it did. */
  replace(changes: readonly Replacement[]): boolean {
    const [patterns, columns] = [[...this.patterns], [...this.columns]];
    for (const { slot, pattern } of changes) {
      this.program.allow(this.columns[slot] as number, false);
      patterns[slot] = pattern;
      columns[slot] = this.program.add(pattern);
    }
    const before = this.columns;
    const isBetter = this.take(patterns, columns);
    for (const { slot } of changes) {
      this.program.remove((isBetter ? before : columns)[slot] as number);
      if (!isBetter) this.program.allow(before[slot] as number, true);
    }
    return isBetter;
  }

  /** Empties a slot for good when that scores better; whether it did. */
  drop(slot: number): boolean {
    if (this.patterns.length === 1) return false;
    const column = this.columns[slot] as number;
    this.program.allow(column, false);
    const isDropped = this.take(this.patterns.toSpliced(slot, 1), this.columns.toSpliced(slot, 1));
    if (isDropped) this.program.remove(column);
    else this.program.allow(column, true);
    return isDropped;
  }

  private take(patterns: readonly Pattern[], columns: readonly number[]): boolean {
    const rated = this.program.rate(patterns, columns);
    if (!(rated.score < this.rated.score - WORTHWHILE)) return false;
    [this.patterns, this.columns, this.rated] = [patterns, columns, rated];
    return true;
  }

  private mean(of: (pattern: Pattern, slot: number) => number): number {
    const { rates } = this.rated;
    return this.patterns.reduce((sum, pattern, slot) => sum + (rates[slot] as number) * of(pattern, slot), 0);
  }
}
