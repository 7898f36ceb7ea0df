import { Knapsack, type Offer } from "./knapsack.ts";
import { type PackingProblem, type Pattern, patternOf } from "./problem.ts";
import { LEAST_DRAWN, PENALTIES, type Prices } from "./rates.ts";

/** How a pack is to be filled. */
export interface Wish {
  /** Its share of all draws. */
  readonly rate: number;
  /** Packs drawn for each clip drawn. */
  readonly packsPerClip: number;
  /** Share of all clips, for each grid, that the other packs draw. */
  readonly drawn: readonly number[];
  readonly prices: Prices;
  /** What a FLOP of the pack costs; below 0, what it brings. */
  readonly perFlop: number;
  /** Tokens that it must hold at least. */
  readonly leastTokens: number;
  /** Whether it may hold each grid; all where this is left out. */
  readonly mayHold?: readonly boolean[];
}

/** Fills one pack so that, drawn at its rate beside the others, it brings the draws nearest to the wanted shares. */
export class Refill {
  private readonly problem: PackingProblem;
  private readonly knapsack: Knapsack;

  constructor(problem: PackingProblem) {
    this.problem = problem;
    this.knapsack = new Knapsack(problem.sizes, problem.tokens);
  }

  /** Cells of tables written so far. */
  get work(): number {
    return this.knapsack.work;
  }

  /** The most tokens that a pack can hold. */
  mostTokens(): number {
    return this.knapsack.mostFilled();
  }

  /** The pack that costs least, at a cost for each clip of a grid. */
  cheapest(costs: readonly number[]): Pattern | undefined {
    const counts = this.knapsack.cheapest(
      costs.map((cost) => [{ cost, copies: Number.POSITIVE_INFINITY }]),
      1,
    );
    return counts === undefined ? undefined : patternOf(this.problem, counts);
  }

  /** The best pack; undefined when none holds so many tokens. */
  pack({ rate, packsPerClip, drawn, prices, perFlop, leastTokens, mayHold }: Wish): Pattern | undefined {
    const { shares, sizes, costs, tokens } = this.problem;
    const offers = shares.map((share, i) => {
      if (mayHold?.[i] === false) return [];
      const size = sizes[i] as number;
      const every = perFlop * (costs[i] as number) - (rate * prices.emptiness * size) / tokens;
      const nearer = offersOf({
        share,
        drawn: drawn[i] as number,
        step: rate * packsPerClip,
        price: prices.error / 2,
        most: Math.floor(tokens / size),
      });
      const all = nearer.map(({ cost, copies }) => ({ cost: cost + every, copies }));
      return leastTokens > 1 ? all : all.filter(({ cost }) => cost < 0);
    });
    const counts = this.knapsack.cheapest(offers, leastTokens);
    return counts === undefined ? undefined : patternOf(this.problem, counts);
  }
}

interface Lack {
  readonly share: number;
  readonly drawn: number;
  /** What one more copy adds to what is drawn. */
  readonly step: number;
  /** Of the distance from the share. */
  readonly price: number;
  /** Copies that a pack can hold. */
  readonly most: number;
}

/**
 * What further copies of a grid do to its distance from its share, |drawn + copies * step - share|. Those that end its
 * neglect come first and bring far more.
 */
function offersOf(lack: Lack): Offer[] {
  const { share, drawn, step, price, most } = lack;
  const offers: Offer[] = [];
  let at = drawn;
  const lacking = share * LEAST_DRAWN - at;
  if (lacking > 1e-6 * share) {
    const copies = Math.min(most, Math.ceil(lacking / step));
    offers.push({ cost: meanCost(lack, at, copies) - PENALTIES.neglect / copies, copies });
    at += copies * step;
  }
  const within = Math.floor((share - at) / step + 1e-9);
  if (within > 0) {
    offers.push({ cost: meanCost(lack, at, within), copies: within });
    at += within * step;
  }
  if (share - at > 1e-9 * share) offers.push({ cost: meanCost(lack, at, 1), copies: 1 });
  offers.push({ cost: (price + PENALTIES.overdraw / share) * step, copies: Number.POSITIVE_INFINITY });
  return offers;
}

/** What each of so many further copies costs, of a grid that is drawn so often without them. */
function meanCost({ share, step, price }: Lack, at: number, copies: number): number {
  const after = at + copies * step;
  const error = price * (Math.abs(after - share) - Math.abs(at - share));
  const overdraw = (PENALTIES.overdraw * (Math.max(0, after - share) - Math.max(0, at - share))) / share;
  return (error + overdraw) / copies;
}
