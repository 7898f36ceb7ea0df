import { type ClipShape, shapeKey } from "../clip.ts";
import { groupBy } from "../group.ts";
import { ClipQueue } from "./clipQueue.ts";
import { DrawSequence } from "./drawSequence.ts";
import { type LoaderState, restoreQueues, stateOf } from "./loaderState.ts";

/** Clips of one size and length, and how many of them make a batch. */
export interface LoaderBucket extends ClipShape {
  readonly batch: number;
  /** Dataset indices. */
  readonly clips: readonly number[];
}

/** A batch of clips of one size and length. */
export interface BucketBatch {
  /** Index into `buckets`. */
  readonly bucket: number;
  /** Dataset indices; a bucket with fewer clips than a batch repeats them. */
  readonly clips: readonly number[];
  /** Number of the batch, from 0. */
  readonly step: number;
}

/**
 * Draws batches of clips of equal shape, so that every clip comes equally often. The sequence is a function of
 * (clips, batch sizes, seed); a restored loader goes on exactly where the saved one stood.
 */
export class BucketLoader {
  /** In a fixed order: by frames, height, width. */
  readonly buckets: readonly LoaderBucket[];
  private readonly order: DrawSequence;
  private readonly queues: ReadonlyMap<string, ClipQueue>;
  private step = 0;

  /** @param clips those to draw, at least one. @param batchOf clips in a batch of this shape. */
  constructor(
    clips: readonly (ClipShape & { readonly index: number })[],
    batchOf: (shape: ClipShape) => number,
    seed: number,
  ) {
    this.buckets = [...groupBy(clips, shapeKey).values()]
      .map((members) => {
        const { frames, height, width } = members[0] as ClipShape;
        const shape = { frames, height, width };
        return { ...shape, batch: batchOf(shape), clips: members.map(({ index }) => index) };
      })
      .sort((a, b) => a.frames - b.frames || a.height - b.height || a.width - b.width);
    this.queues = new Map(
      this.buckets.map((bucket) => [shapeKey(bucket), new ClipQueue(bucket.clips, seed, shapeKey(bucket))]),
    );
    this.order = new DrawSequence(
      this.buckets.map((bucket) => bucket.clips.length / bucket.batch),
      seed,
      "loader.buckets",
    );
  }

  /** The next batch. */
  next(): BucketBatch {
    const number = this.order.at(this.step);
    const bucket = this.buckets[number] as LoaderBucket;
    const queue = this.queues.get(shapeKey(bucket)) as ClipQueue;
    const clips = Array.from({ length: bucket.batch }, () => queue.next());
    const step = this.step;
    this.step += 1;
    return { bucket: number, clips, step };
  }

  get state(): LoaderState {
    return stateOf(this.step, this.queues);
  }

  /** Goes on from a saved state. @throws UserError when it was saved with other clips. */
  restore(state: unknown): void {
    this.step = restoreQueues(state, this.queues);
  }
}
