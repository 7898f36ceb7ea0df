import { KeyedRandom } from "../../base/random.ts";
import type { PackingProblem, Pattern } from "./problem.ts";
import type { Rated } from "./rates.ts";
import { Refill, type Wish } from "./refill.ts";
import { type Replacement, SearchState } from "./searchState.ts";
import { filledInTurn, rareAside } from "./starts.ts";

/** A set of patterns with their best rates. */
export interface RatedPatterns {
  readonly patterns: readonly Pattern[];
  readonly rated: Rated;
}

/** Work after which the search stops; counted, not timed, so that it is the same on every machine. */
const MAX_CELLS = 2.5e8;
/** The same where the targets are met, and only nearer rates and fewer plans are to be had. */
const MAX_CELLS_WHEN_MET = 1e8;
/** How near a target counts as met. */
const NEAR = 1e-6;
/** Rates for which a pack is filled anew, relative to the one it has. */
const TRIED_RATES = [1, 0.5, 2];
/** Every fourth kick refills so many packs, at rates and prices that are off by one of these factors. */
const KICKS_PER_REFILL = 4;
const KICKED_PACKS = 2;
const KICKS = [0.25, 0.5, 1, 2, 4];
/** The others take out so many packs, at least two, and add at most so many before they choose among them. */
const MOST_TAKEN_OUT = 5;
const MOST_ADDED = 8;
/** What a kick made is descended from when it scores no worse than so many times what it started from. */
const WORTH_DESCENT = 3;
/** Kicks without a gain after which there is none to be had. */
const MAX_IDLE_KICKS = 60;

/**
 * Searches for the patterns, at most `maxPlans`, that score best (see `PENALTIES`). A state is a set of patterns with
 * the rates that a linear program gives them; a move empties one or two packs and fills them again by a knapsack, with
 * the others as they are. It starts from packs filled one after the other, from the packs of the linear program's bound,
 * and where these are too many from packs that set rare grids aside. Where no move helps and a target is missed, it is
 * kicked out of its place: iterated local search. It ends when the targets are met and no single refill helps, or its
 * work is spent.
 */
export class PlanSearch {
  private readonly problem: PackingProblem;
  private readonly fillTarget: number;
  private readonly refill: Refill;
  private readonly leastTokens: number;
  private states: readonly SearchState[] = [];

  /** @param fillTarget the fill to reach; less than the problem's where no plans reach that. */
  constructor(problem: PackingProblem, fillTarget: number) {
    this.problem = problem;
    this.fillTarget = fillTarget;
    this.refill = new Refill(problem);
    this.leastTokens = Math.min(this.refill.mostTokens(), Math.ceil(fillTarget * problem.tokens - 1e-6));
  }

  /** @param known packs that are worth a start, best first. */
  run(known: readonly Pattern[]): RatedPatterns {
    const filled = filledInTurn(this.problem, this.refill, this.leastTokens);
    const apart = known.length > this.problem.maxPlans ? [rareAside(this.problem)] : [];
    const starts = [[], known, ...apart].map((first) => [...first, ...filled].slice(0, this.problem.maxPlans));
    this.states = starts.map((start) => new SearchState(this.problem, this.fillTarget, start));
    for (const state of this.states) this.refillEach(state);
    const best = this.states.reduce((a, b) => (b.beats(a) ? b : a));
    while (!this.meetsTargets(best) && (this.exchange(best) || this.refillPair(best))) this.refillEach(best);
    for (let [kick, idle] = [0, 0]; idle < MAX_IDLE_KICKS && !this.meetsTargets(best) && this.mayTry(best); kick++) {
      idle = this.kick(best, kick) ? 0 : idle + 1;
    }
    this.prune(best);
    return { patterns: best.patterns, rated: best.rated };
  }

  /** Refills single packs, the rarest first, until none gets better. */
  private refillEach(state: SearchState): void {
    for (let improved = true; improved; ) {
      improved = false;
      for (const slot of state.slotsByRate()) {
        for (const pattern of this.refillsOf(state, slot)) {
          if (!state.mayGain([{ slot, pattern }])) continue;
          if (!this.mayTry(state)) return;
          if (state.replace([{ slot, pattern }])) {
            improved = true;
            break;
          }
        }
      }
    }
  }

  /** Puts the pack that the linear program would add next in place of one that is there; whether that was better. */
  private exchange(state: SearchState): boolean {
    const pattern = this.refill.cheapest(state.reducedCosts());
    if (pattern === undefined) return false;
    for (const slot of state.slotsByRate()) {
      if (!this.mayTry(state)) return false;
      if (state.replace([{ slot, pattern }])) return true;
    }
    return false;
  }

  /** Refills two packs at once; whether that made the state better. */
  private refillPair(state: SearchState): boolean {
    const slots = state.slotsByRate();
    for (const [place, later] of slots.entries()) {
      for (const first of slots.slice(place + 1)) {
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

  /** Changes packs at random, then descends; goes back when that led nowhere better. Whether it led somewhere. */
  private kick(state: SearchState, number: number): boolean {
    const random = new KeyedRandom(0, "plans.kick", number);
    const before = state.keep();
    if (number % KICKS_PER_REFILL === 0) {
      for (const change of this.randomRefills(state, random)) state.force(change);
      this.refillEach(state);
    } else {
      this.rebuild(state, random);
      if (state.isWithin(WORTH_DESCENT, before)) this.refillEach(state);
    }
    const isBetter = state.beats(before);
    if (!isBetter) state.restore(before);
    return isBetter;
  }

  /**
   * Takes packs out at random, adds packs as the linear program asks for them, without number, then takes the least
   * worth of these out again until they are few enough.
   */
  private rebuild(state: SearchState, random: KeyedRandom): void {
    const count = Math.min(state.patterns.length - 1, 2 + random.int(MOST_TAKEN_OUT - 1));
    state.empty(random.shuffle(state.slotsByRate()).slice(0, count));
    const kept = state.patterns.length;
    for (let round = 0; round < MOST_ADDED; round++) {
      const pattern = this.refill.cheapest(state.reducedCosts());
      if (pattern === undefined || !state.mayGain([{ slot: -1, pattern }])) break;
      state.add(pattern);
    }
    while (state.patterns.length > this.problem.maxPlans) state.dropLeastWorth(kept);
  }

  private *randomRefills(state: SearchState, random: KeyedRandom): Generator<Replacement> {
    for (let i = 0; i < KICKED_PACKS; i++) {
      const slot = random.int(state.patterns.length);
      const wish = this.wishFor(state, [slot]);
      const rate = state.rateOf(slot) * random.pick(KICKS);
      const prices = { ...wish.prices, emptiness: wish.prices.emptiness * random.pick(KICKS) };
      const pattern = this.refill.pack({ ...wish, rate, prices });
      if (pattern !== undefined) yield { slot, pattern };
    }
  }

  /** Leaves out packs that are not worth a plan, the rarest first. */
  private prune(state: SearchState): void {
    for (const pattern of state.slotsByRate().map((slot) => state.patterns[slot] as Pattern)) {
      state.drop(state.patterns.indexOf(pattern));
    }
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

  private mayTry(state: SearchState): boolean {
    const work = this.states.reduce((sum, each) => sum + each.work, this.refill.work);
    return work < (this.meetsTargets(state) ? MAX_CELLS_WHEN_MET : MAX_CELLS);
  }
}
