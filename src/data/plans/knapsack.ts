import { assert } from "../../base/errors.ts";

/** What each of the next `copies` of an item costs; copies may be endless. */
export interface Offer {
  readonly cost: number;
  readonly copies: number;
}

/** One decision of the table: so many copies of an item at once, once or as often as they fit. */
interface Step {
  readonly item: number;
  readonly copies: number;
  readonly isRepeated: boolean;
}

const UNREACHED = 1e300;
/** Costs nearer than this are equal: ties go to the step that came first. */
const TIE = 1e-12;

/**
 * Chooses copies of items of whole sizes for a room, at the least cost: a table over the room filled. Exact where each
 * item's offers grow dearer, so that the cheap copies are taken first. The table is used again by the next choice.
 * Source: Kellerer, Pferschy & Pisinger 2004, sections 7.1 and 8.1.
 */
export class Knapsack {
  /** Cells of tables written so far: what the choices cost, the same on every machine. */
  work = 0;
  private readonly unit: number;
  private readonly sizes: readonly number[];
  private readonly room: number;
  private readonly best: Float64Array;
  private readonly taken: Uint8Array[] = [];

  /** @param sizes of the items, and the room: positive integers. */
  constructor(sizes: readonly number[], room: number) {
    this.unit = sizes.reduce(greatestDivisor, 0);
    this.sizes = sizes.map((size) => size / this.unit);
    this.room = Math.floor(room / this.unit);
    this.best = new Float64Array(this.room + 1);
  }

  /** Copies of each item that fill at least `least` of the room; undefined when none do. */
  cheapest(offers: readonly (readonly Offer[])[], least: number): Int32Array | undefined {
    const steps = this.fill(offers);
    let found = -1;
    for (let used = this.room; used >= Math.max(1, Math.ceil(least / this.unit)); used--) {
      const cost = this.best[used] as number;
      if (cost < UNREACHED && (found < 0 || cost < (this.best[found] as number) - TIE)) found = used;
    }
    return found < 0 ? undefined : this.trace(steps, found);
  }

  /** The most of the room, or of the part of it that is left, that items can fill. */
  mostFilled(left = this.room * this.unit): number {
    this.fill(this.sizes.map(() => [{ cost: 0, copies: Number.POSITIVE_INFINITY }]));
    const filled = this.best.findLastIndex((cost, used) => used * this.unit <= left && cost < UNREACHED);
    return filled * this.unit;
  }

  private fill(offers: readonly (readonly Offer[])[]): Step[] {
    const steps: Step[] = [];
    this.best.fill(UNREACHED);
    this.best[0] = 0;
    offers.forEach((list, item) => {
      const most = Math.floor(this.room / (this.sizes[item] as number));
      for (const { cost, copies } of list) {
        if (copies >= most) this.offerMany(steps, item, cost);
        else for (const bundle of bundles(copies)) this.offerOnce(steps, item, bundle, cost * bundle);
      }
    });
    return steps;
  }

  private offerMany(steps: Step[], item: number, cost: number): void {
    const { best, room } = this;
    const taken = this.table(steps.length);
    const size = this.sizes[item] as number;
    for (let used = size; used <= room; used++) {
      const total = (best[used - size] as number) + cost;
      if (total < (best[used] as number) - TIE) {
        best[used] = total;
        taken[used] = 1;
      }
    }
    steps.push({ item, copies: 1, isRepeated: true });
  }

  private offerOnce(steps: Step[], item: number, copies: number, cost: number): void {
    const { best, room } = this;
    const taken = this.table(steps.length);
    const size = (this.sizes[item] as number) * copies;
    for (let used = room; used >= size; used--) {
      const total = (best[used - size] as number) + cost;
      if (total < (best[used] as number) - TIE) {
        best[used] = total;
        taken[used] = 1;
      }
    }
    steps.push({ item, copies, isRepeated: false });
  }

  private table(step: number): Uint8Array {
    const table = this.taken[step] ?? new Uint8Array(this.room + 1);
    this.taken[step] = table.fill(0);
    this.work += table.length;
    return table;
  }

  private trace(steps: readonly Step[], filled: number): Int32Array {
    const counts = new Int32Array(this.sizes.length);
    let used = filled;
    for (let step = steps.length - 1; step >= 0; step--) {
      const { item, copies, isRepeated } = steps[step] as Step;
      const taken = this.taken[step] as Uint8Array;
      while (used > 0 && taken[used] === 1) {
        counts[item] = (counts[item] as number) + copies;
        used -= (this.sizes[item] as number) * copies;
        if (!isRepeated) break;
      }
    }
    assert(used === 0, "a filled room is filled by items");
    return counts;
  }
}

/** Numbers that sum to `count` and whose partial sums give every number up to it. */
function bundles(count: number): number[] {
  const list: number[] = [];
  for (let left = count, next = 1; left > 0; next *= 2) {
    list.push(Math.min(next, left));
    left -= next;
  }
  return list;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
