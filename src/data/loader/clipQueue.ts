import { assert } from "../../base/errors.ts";
import { KeyedRandom } from "../../base/random.ts";

/** Clips in shuffled order, each once, then all again in another order. Orders depend on (seed, name, epoch) alone. */
export class ClipQueue {
  private readonly clips: readonly number[];
  private readonly seed: number;
  private readonly name: readonly (string | number)[];
  private epoch = -1;
  private order: readonly number[] = [];

  /** @param clips dataset indices, at least one. @param name tells queues with one seed apart. */
  constructor(clips: readonly number[], seed: number, ...name: readonly (string | number)[]) {
    assert(clips.length > 0, "a queue has clips");
    this.clips = clips;
    this.seed = seed;
    this.name = name;
  }

  /** Clips in it: an epoch is so many draws. */
  get size(): number {
    return this.clips.length;
  }

  /** The clip of draw number `draw`, from 0. Going on in order is cheap; the first draw of an epoch shuffles. */
  at(draw: number): number {
    const epoch = Math.floor(draw / this.size);
    if (epoch !== this.epoch) {
      this.order = new KeyedRandom(this.seed, "loader.order", ...this.name, epoch).shuffle([...this.clips]);
      this.epoch = epoch;
    }
    return this.order[draw % this.size] as number;
  }
}
