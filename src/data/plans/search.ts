import { KeyedRandom } from "../../base/random.ts";
import { Annealing } from "./annealing.ts";
import type { PackingProblem, Pattern } from "./problem.ts";
import type { Rated } from "./rates.ts";
import { Refill, type Wish } from "./refill.ts";
import { SearchState } from "./searchState.ts";
import { filledInTurn, leanSets, rareAside } from "./starts.ts";

/** A set of patterns with their best rates. */
export interface RatedPatterns {
  readonly patterns: readonly Pattern[];
  readonly rated: Rated;
}

/** Work after which the search stops; counted, not timed, so that it is the same on every machine. */
const MAX_CELLS = 3.5e8;
/** The same where the targets are met, and only nearer rates and fewer plans are to be had. */
const MAX_CELLS_WHEN_MET = 1e8;
/** How near a target counts as met. */
const NEAR = 1e-6;
/** Rates for which a pack is filled anew, relative to the one it has. */
const TRIED_RATES = [1, 0.5, 2];
/** Sets that are annealed, in turn, and how often in all. */
const MOST_ANNEALED = 2;
const MOST_RUNS = 3;

/**
 * Searches for the patterns, at most `maxPlans`, that score best (see `PENALTIES`). A state is a set of patterns with
 * the rates that a linear program gives them; a move empties one or two packs and fills them again by a knapsack, with
 * the others as they are. It starts from packs filled one after the other, from the packs of the linear program's bound,
 * and where these are too many from packs that set rare grids aside. Where no move helps and a target is missed, lean sets
 * are annealed; at once where the bound takes more packs than there may be. It ends when the targets are met and no single refill helps, or its work is spent.
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
    const isScarce = known.length > this.problem.maxPlans;
    while (!isScarce && !this.meetsTargets(best) && (this.exchange(best) || this.refillPair(best)))
      this.refillEach(best);
    const annealed = this.meetsTargets(best) ? best : this.anneal();
    const found = annealed.beats(best) ? annealed : best;
    this.refillEach(found);
    this.prune(found);
    return { patterns: found.patterns, rated: found.rated };
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

  /** Anneals from lean sets in turn, until one meets the targets; the best. */
  private anneal(): SearchState {
    const { problem, fillTarget, refill } = this;
    const sets = leanSets(problem, fillTarget, refill).slice(0, MOST_ANNEALED);
    const found: SearchState[] = [];
    let before = 0;
    for (let run = 0; run < MOST_RUNS && !found.some((state) => this.meetsTargets(state)); run++) {
      const annealing = new Annealing(problem, fillTarget, refill, sets[run % sets.length]?.patterns ?? []);
      const mayMove = (): boolean => refill.work + annealing.work + before < MAX_CELLS;
      const patterns = annealing.run(new KeyedRandom(0, "plans.annealing", run), mayMove);
      before += annealing.work;
      found.push(new SearchState(problem, fillTarget, patterns));
    }
    return found.reduce((a, b) => (b.beats(a) ? b : a));
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
