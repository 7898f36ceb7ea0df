import { assert } from "../../base/errors.ts";

/**
 * Takes several things in turn at given rates: after n turns each has come n times its rate, to less than one turn
 * either way. Turn j of a thing (from 0) may come at n when j < (n + 1) * rate, and is due at n = (j + 1) / rate; what
 * is due first comes. What comes next depends on the counts alone. Source: the earliest deadline first keeps all
 * these windows when the rates sum to 1 (Baruah et al. 1996, proportionate progress).
 */
export class Quota {
  private readonly rates: readonly number[];
  private readonly total: number;
  private readonly counts: number[];
  private turns = 0;

  /** @param rates positive shares; they need not sum to 1. */
  constructor(rates: readonly number[]) {
    assert(rates.length > 0 && rates.every((rate) => rate > 0), "rates are positive");
    this.rates = rates;
    this.total = rates.reduce((sum, rate) => sum + rate, 0);
    this.counts = rates.map(() => 0);
  }

  /** Which comes now, and how often it came before; the first of those that are due together. */
  next(): { readonly which: number; readonly before: number } {
    this.turns += 1;
    // Exact where rates are whole numbers; should rounding show each as ahead of its rate, the first one comes.
    let which = 0;
    let earliest = Number.POSITIVE_INFINITY;
    for (const [i, rate] of this.rates.entries()) {
      const count = this.counts[i] as number;
      const due = (count + 1) / rate;
      if (due < earliest && count * this.total < this.turns * rate) [which, earliest] = [i, due];
    }
    const before = this.counts[which] as number;
    this.counts[which] = before + 1;
    return { which, before };
  }

  /** How often each has come. */
  get drawn(): readonly number[] {
    return [...this.counts];
  }

  /** Goes on from what `drawn` gave. */
  restore(drawn: readonly number[]): void {
    assert(drawn.length === this.counts.length, "as many counts as rates");
    this.counts.splice(0, drawn.length, ...drawn);
    this.turns = drawn.reduce((sum, count) => sum + count, 0);
  }
}
