import type { KeyedRandom } from "../../base/random.ts";
import type { Solution } from "./linearProgram.ts";
import type { PackingProblem, Pattern } from "./problem.ts";
import { LEAST_DRAWN, RateProgram } from "./rates.ts";
import type { Refill } from "./refill.ts";
import type { Standing } from "./simplexBasis.ts";

/** Moves of a run for each pattern and grid, and the score that the first of them may lose; it falls to 0 with the last. */
const MOVES = 12;
const HOTTEST = 0.4;
/** Share of the moves that fill a pack for a rate, the others for prices. */
const FOR_RATE = 0.75;
/** A pack is filled for its rate times or by up to 1 and so much more, of some of the grids: each with a chance. */
const RATE_RANGE = 1.2;
const HELD = 0.75;
/** Share of them that fill two packs, one after the other. */
const PAIRED = 0.65;
/** Prices are mixed from those with the pack (up to so much of it) and without it, then each is off by up to so much. */
const MOST_OF_OLD = 1.1;
const PRICE_NOISE = 1;

/** Where a run stands: patterns with the columns that the linear program has for them. */
interface State {
  readonly patterns: readonly Pattern[];
  readonly columns: readonly number[];
  readonly solution: Solution;
  readonly standing: Standing;
}

/**
 * Simulated annealing over sets of patterns. A move takes one pattern or two out and puts others in their
 * place, which a knapsack fills: at prices of the linear program, with the old one and without, and some noise; or for
 * about the rates that the old ones had, beside what the others draw. All rates are solved for anew; a worse set stays with a chance that falls.
 * Source: Kirkpatrick, Gelatt & Vecchi 1983.
 */
export class Annealing {
  private readonly problem: PackingProblem;
  private readonly refill: Refill;
  private readonly program: RateProgram;
  private state: State;

  constructor(problem: PackingProblem, fillTarget: number, refill: Refill, patterns: readonly Pattern[]) {
    this.problem = problem;
    this.refill = refill;
    this.program = new RateProgram(problem, fillTarget);
    const columns = patterns.map((pattern) => this.program.add(pattern));
    this.state = { patterns, columns, solution: this.program.solve(), standing: this.program.keep() };
  }

  /** Cells of the linear program's inverse written so far. */
  get work(): number {
    return this.program.work;
  }

  /** Moves until the targets are met or no move is left; the best patterns. @param mayMove asked before each move. */
  run(random: KeyedRandom, mayMove: () => boolean): readonly Pattern[] {
    let best = this.state;
    const moves = MOVES * best.patterns.length * this.problem.shares.length;
    for (let move = 0; move < moves && !this.program.isMet(this.state.solution) && mayMove(); move++) {
      this.move(random, HOTTEST * (1 - move / moves));
      if (this.state.solution.objective < best.solution.objective) best = this.state;
    }
    return (this.program.isMet(this.state.solution) ? this.state : best).patterns;
  }

  private move(random: KeyedRandom, temperature: number): void {
    const slot = random.int(this.state.patterns.length);
    const chance = random.uniform();
    const most = this.state.solution.objective + temperature * chance * chance;
    const isForRate = this.state.patterns.length === 1 || random.uniform() < FOR_RATE;
    const isTaken = isForRate ? this.moveForRates(slot, random, most) : this.moveAtPrices(slot, random, most);
    if (!isTaken) this.program.restore(this.state.standing);
  }

  private moveForRates(slot: number, random: KeyedRandom, most: number): boolean {
    const { patterns, columns } = this.state;
    const other = random.uniform() < PAIRED ? random.int(patterns.length) : slot;
    const slots = other === slot ? [slot] : [slot, other];
    const filled = this.filledForRates(slots, random);
    if (filled.every((pattern, i) => isSame(pattern, patterns[slots[i] as number] as Pattern))) return false;
    const added = filled.map((pattern) => this.program.add(pattern));
    this.program.solve();
    for (const each of slots) this.program.allow(columns[each] as number, false);
    const solution = this.program.solveBelow(most);
    const isTaken = solution !== undefined && solution.objective < most;
    if (isTaken) this.take(slots, filled, added, solution);
    else this.program.restore(this.state.standing);
    if (!isTaken) for (const column of added) this.program.remove(column);
    return isTaken;
  }

  private moveAtPrices(slot: number, random: KeyedRandom, most: number): boolean {
    const { patterns, columns } = this.state;
    this.program.allow(columns[slot] as number, false);
    const pattern = this.filledAtPrices(this.program.solve(), random);
    if (pattern === undefined || isSame(pattern, patterns[slot] as Pattern)) return false;
    const added = this.program.add(pattern);
    const solution = this.program.solve();
    const isTaken = solution.objective < most;
    if (isTaken) this.take([slot], [pattern], [added], solution);
    else this.program.restore(this.state.standing);
    if (!isTaken) this.program.remove(added);
    return isTaken;
  }

  private take(slots: readonly number[], filled: readonly Pattern[], added: readonly number[], solution: Solution) {
    const [patterns, columns] = [[...this.state.patterns], [...this.state.columns]];
    for (const [i, slot] of slots.entries()) {
      this.program.remove(columns[slot] as number);
      patterns[slot] = filled[i] as Pattern;
      columns[slot] = added[i] as number;
    }
    this.state = { patterns, columns, solution, standing: this.program.keep() };
  }

  private filledForRates(slots: readonly number[], random: KeyedRandom): Pattern[] {
    const { patterns, columns, solution } = this.state;
    const { shares, maxPlans } = this.problem;
    const times = this.program.timesOf(solution, columns);
    const drawn = shares.map(() => 0);
    let [packs, clips] = [0, 0];
    for (const [i, pattern] of patterns.entries()) {
      packs += times[i] as number;
      clips += (times[i] as number) * pattern.clips;
      if (!slots.includes(i)) addDraws(drawn, pattern, times[i] as number);
    }
    const wish = { packsPerClip: packs / clips, prices: this.program.pricesOf(solution), perFlop: 0, leastTokens: 1 };
    return slots.map((slot) => {
      const share = (times[slot] as number) / packs || 0.1 / maxPlans;
      const factor = 1 + RATE_RANGE * random.uniform();
      const rate = random.int(2) === 0 ? share * factor : share / factor;
      const drawnBeside = drawn.map((each) => each / clips);
      const mayHold = shares.map(
        (each, i) => (drawnBeside[i] as number) < LEAST_DRAWN * each || random.uniform() < HELD,
      );
      const pattern = this.refill.pack({ ...wish, rate, drawn: drawnBeside, mayHold }) ?? (patterns[slot] as Pattern);
      addDraws(drawn, pattern, rate * packs);
      return pattern;
    });
  }

  private filledAtPrices(without: Solution, random: KeyedRandom): Pattern | undefined {
    const old = MOST_OF_OLD * random.uniform();
    const noise = PRICE_NOISE * random.uniform();
    const numGrids = this.problem.shares.length;
    const duals = without.duals.map((dual, row) => {
      const mixed = dual + old * ((this.state.solution.duals[row] as number) - dual);
      return row < numGrids ? mixed * (1 + noise * (2 * random.uniform() - 1)) : mixed;
    });
    return this.refill.cheapest(this.program.reducedCosts({ duals }));
  }
}

function addDraws(drawn: number[], { counts }: Pattern, times: number): void {
  for (let grid = 0; grid < drawn.length; grid++)
    drawn[grid] = (drawn[grid] as number) + times * (counts[grid] as number);
}

function isSame(a: Pattern, b: Pattern): boolean {
  return a.counts.every((count, i) => count === b.counts[i]);
}
