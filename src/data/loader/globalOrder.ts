import { UserError } from "../../base/errors.ts";
import { groupBy } from "../group.ts";
import { KindQueues, type OrderedClip } from "./kindQueues.ts";
import { type OrderState, readOrderState } from "./orderState.ts";
import { Quota } from "./quota.ts";

/** What is drawn together: the kinds of the clips of one pack or batch, and how often. */
export interface OrderPlan {
  readonly kinds: readonly string[];
  /** Share of all draws, positive; the rates need not sum to 1. */
  readonly rate: number;
}

/** The clips of one pack or batch. */
export interface Drawn {
  /** Index of the plan. */
  readonly plan: number;
  /** Dataset indices, in the order of the plan's kinds. */
  readonly clips: readonly number[];
  /** Number of the pack in the global order, from 0. */
  readonly pack: number;
}

/** How often clips came so far: draws over clips. 1.5 = each once, half of them twice. */
export interface Epochs {
  readonly all: number;
  /** By number of the source; 0 for a source without clips. */
  readonly sources: readonly number[];
}

/** Which of several processes this one is. */
export interface Rank {
  readonly rank: number;
  readonly numRanks: number;
}

export const ONE_RANK: Rank = { rank: 0, numRanks: 1 };

/** Which of a step's packs, over all ranks, a rank's `part`-th one is. Random draws are keyed by it. */
export function partOfAll({ rank, numRanks }: Rank, part: number): number {
  return part * numRanks + rank;
}

/**
 * The order in which clips are drawn: an endless sequence of packs, decided before any of them is read.
 *
 * It is a function of (plans, clips, seed) alone: neither threads, prefetching nor the number of ranks change it. Plans
 * come in turn at their rates, and each place of a plan takes the next clip of its kind. Of R ranks, rank r takes the
 * packs r, R + r, 2 R + r ...; a step of R * A packs holds the same clips whatever R is. Between steps all ranks have
 * one and the same state, and a run resumed with another R goes on in the same sequence.
 *
 * Epochs. The draws of one kind from one source are permutations of its clips, one after the other: nothing is skipped,
 * and nothing comes again before all the others came. Where the sources weigh alike, this holds for the kind as a whole.
 * Different kinds have no common end of an epoch: a pack is a fixed arrangement, and the clips that are left at the end
 * rarely make up whole packs. To end it sharply would need padding, or programs for packs that come once. Kinds keep in
 * step instead. After n packs each plan has come n * rate times, to less than one pack either way. So a kind with N
 * clips, and P places in all plans together, stands at n * f / N epochs to less than P / N, where f is the sum of
 * rate * places. Rates that draw kinds in proportion to their clips give all the same f / N, and the difference between
 * two kinds stays below the sum of their P / N for ever. Where few plans cannot do that, kinds drift apart: how often
 * the clips of each come while all come once is in the planner's report (`draws`).
 */
export class GlobalOrder {
  private readonly keys: readonly string[];
  private readonly places: readonly (readonly KindQueues[])[];
  private readonly turns: Quota;
  private readonly queues: readonly KindQueues[];
  private readonly rank: Rank;
  private packs = 0;

  /** @throws UserError when a plan holds a kind that no clip has, or no plan holds a clip's kind. */
  constructor(plans: readonly OrderPlan[], clips: readonly OrderedClip[], seed: number, rank: Rank = ONE_RANK) {
    const byKind = groupBy(clips, ({ kind }) => kind);
    const planned = new Set(plans.flatMap(({ kinds }) => kinds));
    for (const kind of planned) {
      if (!byKind.has(kind)) throw new UserError("loader", { expected: `clips of ${kind}`, got: "none" });
    }
    for (const kind of byKind.keys()) {
      if (!planned.has(kind)) throw new UserError("loader", { expected: `a plan with clips of ${kind}`, got: "none" });
    }
    const queues = new Map([...byKind].map(([kind, members]) => [kind, new KindQueues(kind, members, seed)]));
    this.keys = plans.map(({ kinds }) => planKey(kinds));
    this.places = plans.map(({ kinds }) => kinds.map((kind) => queues.get(kind) as KindQueues));
    this.turns = new Quota(plans.map(({ rate }) => rate));
    this.queues = [...queues.values()];
    this.rank = rank;
  }

  /** This rank's next pack. The others' are passed over: afterwards the state is that of every rank. */
  next(): Drawn {
    let own: Drawn | undefined;
    for (let rank = 0; rank < this.rank.numRanks; rank++) {
      const drawn = this.draw();
      if (rank === this.rank.rank) own = drawn;
    }
    return own as Drawn;
  }

  get epochs(): Epochs {
    const totals: { clips: number; drawn: number }[] = [];
    const all = { clips: 0, drawn: 0 };
    for (const { source, clips, drawn } of this.queues.flatMap(({ states }) => states)) {
      while (totals.length <= source) totals.push({ clips: 0, drawn: 0 });
      for (const total of [all, totals[source]]) {
        if (total === undefined) continue;
        total.clips += clips;
        total.drawn += drawn;
      }
    }
    return {
      all: all.drawn / all.clips,
      sources: totals.map(({ clips, drawn }) => (clips === 0 ? 0 : drawn / clips)),
    };
  }

  get state(): OrderState {
    return {
      packs: this.packs,
      plans: this.turns.drawn.map((drawn, i) => ({ key: this.keys[i] as string, drawn })),
      queues: this.queues.flatMap(({ states }) => states),
    };
  }

  /** Goes on from a saved state. @throws UserError when it was saved with other clips or plans. */
  restore(saved: unknown): void {
    const state = readOrderState(saved, this.state);
    this.packs = state.packs;
    this.turns.restore(state.plans.map(({ drawn }) => drawn));
    let first = 0;
    for (const queues of this.queues) {
      const { length } = queues.states;
      queues.restore(state.queues.slice(first, first + length).map(({ drawn }) => drawn));
      first += length;
    }
  }

  private draw(): Drawn {
    const { which: plan } = this.turns.next();
    const clips = (this.places[plan] as readonly KindQueues[]).map((queues) => queues.next());
    const pack = this.packs;
    this.packs += 1;
    return { plan, clips, pack };
  }
}

/** `2 of 5x4x4, 1 of 3x4x4`. */
function planKey(kinds: readonly string[]): string {
  return [...groupBy(kinds, (kind) => kind)].map(([kind, { length }]) => `${length} of ${kind}`).join(", ");
}
