import { assert } from "../../base/errors.ts";
import { KeyedRandom } from "../../base/random.ts";

const GOLDEN_RATIO = 0.6180339887498949;

/**
 * Which of several things is drawn at a step, with given rates. A golden-ratio sequence: after n steps each has been
 * drawn n times its rate, within a few draws, and nothing has to be remembered.
 */
export class DrawSequence {
  private readonly start: number;
  private readonly upTo: readonly number[];

  /** @param rates shares, positive; they need not sum to 1. */
  constructor(rates: readonly number[], seed: number, purpose: string) {
    const total = rates.reduce((sum, rate) => sum + rate, 0);
    assert(total > 0, "rates sum to more than 0");
    this.upTo = rates.map((_, i) => rates.slice(0, i + 1).reduce((sum, rate) => sum + rate, 0) / total);
    this.start = new KeyedRandom(seed, purpose).uniform();
  }

  at(step: number): number {
    const u = (this.start + step * GOLDEN_RATIO) % 1;
    const found = this.upTo.findIndex((limit) => u < limit);
    return found < 0 ? this.upTo.length - 1 : found;
  }
}
