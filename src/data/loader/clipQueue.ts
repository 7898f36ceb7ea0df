import { KeyedRandom } from "../../base/random.ts";

/** Where a queue stands. */
export interface QueueState {
  /** How often it was shuffled anew. */
  readonly epoch: number;
  /** Clips drawn since. */
  readonly drawn: number;
  /** Clips in it. */
  readonly size: number;
}

/** Clips in shuffled order, each once, then all again in another order. Orders depend on (seed, name, epoch) alone. */
export class ClipQueue {
  private readonly clips: readonly number[];
  private readonly seed: number;
  private readonly name: string;
  private epoch = 0;
  private drawn = 0;
  private order: readonly number[];

  /** @param clips dataset indices, at least one. @param name tells queues with one seed apart. */
  constructor(clips: readonly number[], seed: number, name: string) {
    this.clips = clips;
    this.seed = seed;
    this.name = name;
    this.order = this.shuffled();
  }

  /** The next clip. */
  next(): number {
    if (this.drawn === this.order.length) {
      this.epoch += 1;
      this.drawn = 0;
      this.order = this.shuffled();
    }
    const clip = this.order[this.drawn] as number;
    this.drawn += 1;
    return clip;
  }

  get state(): QueueState {
    return { epoch: this.epoch, drawn: this.drawn, size: this.clips.length };
  }

  restore({ epoch, drawn }: Omit<QueueState, "size">): void {
    this.epoch = epoch;
    this.drawn = drawn;
    this.order = this.shuffled();
  }

  private shuffled(): number[] {
    return new KeyedRandom(this.seed, "loader.order", this.name, this.epoch).shuffle([...this.clips]);
  }
}
