import { assert } from "../../base/errors.ts";
import { KeyedRandom } from "../../base/random.ts";
import type { Solver } from "./linearProgram.ts";
import type { PackingProblem, Pattern } from "./problem.ts";
import type { Rated } from "./rates.ts";
import { Refill, type Wish } from "./refill.ts";
import { SearchState } from "./searchState.ts";

/** A set of patterns with their best rates. */
export interface RatedPatterns {
  readonly patterns: readonly Pattern[];
  readonly rated: Rated;
}

/** Work after which the search stops; counted, not timed, so that it is the same on every machine. */
const MAX_CELLS = 1.5e8;
/** Rows of the linear programs solved, one for each grid: 1,000 trials for 40 grids. */
const MAX_ROWS = 40_000;
/** How near a target counts as met. */
const NEAR = 1e-6;
/** Rates for which a pack is filled anew, relative to the one it has. */
const TRIED_RATES = [1, 0.5, 2];
/** A kick refills so many packs at rates and prices that are off by one of these factors. */
const KICKED_PACKS = 2;
const KICKS = [0.25, 0.5, 1, 2, 4];
/** Kicks without a gain after which there is none to be had. */
const MAX_IDLE_KICKS = 25;
/** Of the packs filled in turn, the last of so many hold the grids that none before them held. */
const TURNS_FOR_RARE = 4;

/**
 * Searches for the patterns, at most `maxPlans`, that score best (see `PENALTIES`). A state is a set of patterns with
 * the rates that a linear program gives them; a move empties one or two packs and fills them again by a knapsack, with
 * the others as they are. It starts once from packs filled one after the other and once from the packs of the linear
 * program's bound. Where no move helps and a target is missed, random refills kick it out of its place: iterated local
 * search. It ends when the targets are met and no single refill helps, or its work is spent.
 */
export class PlanSearch {
  private readonly solver: Solver;
  private readonly problem: PackingProblem;
  private readonly fillTarget: number;
  private readonly refill: Refill;
  private readonly leastTokens: number;
  private trials = 0;

  /** @param fillTarget the fill to reach; less than the problem's where no plans reach that. */
  constructor(solver: Solver, problem: PackingProblem, fillTarget: number) {
    this.solver = solver;
    this.problem = problem;
    this.fillTarget = fillTarget;
    this.refill = new Refill(problem);
    this.leastTokens = Math.min(this.refill.mostTokens(), Math.ceil(fillTarget * problem.tokens - 1e-6));
  }

  /** @param known packs that are worth a start, best first. */
  run(known: readonly Pattern[]): RatedPatterns {
    const filled = this.filledInTurn();
    const starts = [filled, [...known, ...filled].slice(0, this.problem.maxPlans)].map(withoutRepeats);
    const states = starts.map((start) => new SearchState(this.solver, this.problem, this.fillTarget, start));
    try {
      for (const state of states) this.refillEach(state);
      const best = states.reduce((a, b) => (b.beats(a) ? b : a));
      while (!this.meetsTargets(best) && this.refillPair(best)) this.refillEach(best);
      for (let [kick, idle] = [0, 0]; idle < MAX_IDLE_KICKS && !this.meetsTargets(best) && this.mayTry(); kick++) {
        idle = this.kick(best, kick) ? 0 : idle + 1;
      }
      for (const slot of best.slotsByRate().sort((a, b) => b - a)) best.drop(slot);
      return { patterns: best.patterns, rated: best.rated };
    } finally {
      for (const state of states) state.dispose();
    }
  }

  /** Packs filled one after the other, each to mend what those before it left. */
  private filledInTurn(): Pattern[] {
    const { maxPlans, shares, packsPerClip } = this.problem;
    const { leastTokens } = this;
    const wish = { rate: 1 / maxPlans, packsPerClip, prices: { error: 1, emptiness: 0 }, perFlop: 0, leastTokens };
    const drawn = shares.map(() => 0);
    return Array.from({ length: maxPlans }, (_, turn) => {
      const isForRare = turn >= maxPlans - Math.ceil(maxPlans / TURNS_FOR_RARE);
      const toCome = isForRare ? 0 : 1 - (turn + 1) / maxPlans;
      const pattern = this.refill.pack({ ...wish, drawn: drawn.map((share, i) => share + toCome * (shares[i] ?? 0)) });
      assert(pattern !== undefined, "a pack can hold as many tokens as it must");
      for (const [i, count] of pattern.counts.entries()) drawn[i] = (drawn[i] ?? 0) + (count * packsPerClip) / maxPlans;
      return pattern;
    });
  }

  /** Refills single packs, the rarest first, until none gets better. */
  private refillEach(state: SearchState): void {
    for (let improved = true; improved; ) {
      improved = false;
      for (const slot of state.slotsByRate()) {
        for (const pattern of this.refillsOf(state, slot)) {
          if (!this.mayTry()) return;
          if (state.replace([{ slot, pattern }])) {
            improved = true;
            break;
          }
        }
      }
    }
  }

  /** Refills two packs at once; whether that made the state better. */
  private refillPair(state: SearchState): boolean {
    const slots = state.slotsByRate();
    for (const [place, later] of slots.entries()) {
      for (const first of slots.slice(place + 1)) {
        if (!this.mayTry()) return false;
        const wish = this.wishFor(state, [first, later]);
        const one = this.refill.pack({ ...wish, rate: state.rateOf(first) });
        if (one === undefined) continue;
        const added = state.rateOf(first) * wish.packsPerClip;
        const drawn = wish.drawn.map((share, i) => share + added * (one.counts[i] as number));
        const other = this.refill.pack({ ...wish, rate: state.rateOf(later), drawn });
        if (other === undefined) continue;
        if (
          state.replace([
            { slot: first, pattern: one },
            { slot: later, pattern: other },
          ])
        )
          return true;
      }
    }
    return false;
  }

  /** Refills packs at random, then descends; goes back when that led nowhere better. Whether it led somewhere. */
  private kick(state: SearchState, number: number): boolean {
    const random = new KeyedRandom(0, "plans.kick", number);
    const before = state.keep();
    for (let i = 0; i < KICKED_PACKS; i++) {
      const slot = random.int(state.patterns.length);
      const wish = this.wishFor(state, [slot]);
      const { error, emptiness } = wish.prices;
      const rate = state.rateOf(slot) * random.pick(KICKS);
      const pattern = this.refill.pack({ ...wish, rate, prices: { error, emptiness: emptiness * random.pick(KICKS) } });
      if (pattern !== undefined) state.force({ slot, pattern });
    }
    this.refillEach(state);
    const isBetter = state.beats(before);
    if (!isBetter) state.restore(before);
    return isBetter;
  }

  private meetsTargets({ rated }: SearchState): boolean {
    const isFilled = rated.fill > this.fillTarget - NEAR;
    return rated.numNeglected === 0 && isFilled && rated.frequencyError < this.problem.frequencyError + NEAR;
  }

  private *refillsOf(state: SearchState, slot: number): Generator<Pattern> {
    const wish = { ...this.wishFor(state, [slot]), rate: state.rateOf(slot) };
    const isDear = (state.patterns[slot]?.cost ?? 0) > state.meanCost();
    const perFlop = ((isDear ? 1 : -state.rated.maxCostRatio) * this.problem.balance) / state.leastCost();
    const wishes: Wish[] = [
      ...TRIED_RATES.map((factor) => ({ ...wish, rate: wish.rate * factor })),
      { ...wish, leastTokens: 1 },
      { ...wish, perFlop },
    ];
    const seen = new Set([String(state.patterns[slot]?.counts)]);
    for (const each of wishes) {
      const pattern = this.refill.pack(each);
      if (pattern === undefined || seen.has(String(pattern.counts))) continue;
      seen.add(String(pattern.counts));
      yield pattern;
    }
  }

  private wishFor(state: SearchState, slots: readonly number[]): Omit<Wish, "rate"> {
    const { leastTokens } = this;
    const [packsPerClip, drawn] = [state.packsPerClip(), state.drawnBeside(slots)];
    return { packsPerClip, drawn, prices: state.rated.prices, perFlop: 0, leastTokens };
  }

  private mayTry(): boolean {
    this.trials++;
    return this.trials * this.problem.grids.length <= MAX_ROWS && this.refill.work < MAX_CELLS;
  }
}

function withoutRepeats(patterns: readonly Pattern[]): Pattern[] {
  return [...new Map(patterns.map((pattern) => [String(pattern.counts), pattern])).values()];
}
