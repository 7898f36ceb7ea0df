import { type ClipShape, shapeKey } from "../clip.ts";
import { groupBy } from "../group.ts";
import { type Drawn, type Epochs, GlobalOrder, ONE_RANK, type Rank } from "./globalOrder.ts";
import type { OrderState } from "./orderState.ts";

/** A clip that may be drawn. */
export interface ShapedClip extends ClipShape {
  /** Dataset index. */
  readonly index: number;
  /** Number of its source. 0 when not given. */
  readonly source?: number;
  /** How often it is drawn against a clip of weight 1. 1 when not given. */
  readonly weight?: number;
}

/** Clips of one size and length, and how many make a batch. */
export interface LoaderBucket extends ClipShape {
  readonly batch: number;
}

/**
 * Draws batches of clips of equal shape, each clip equally often, or as its weight says. A bucket with fewer clips than
 * a batch repeats them. The order is that of `GlobalOrder`; its plans are the buckets.
 */
export class BucketLoader {
  /** In a fixed order: by frames, height, width. */
  readonly buckets: readonly LoaderBucket[];
  private readonly order: GlobalOrder;

  /** @param clips those to draw, at least one. @param batchOf clips in a batch of this shape. */
  constructor(
    clips: readonly ShapedClip[],
    batchOf: (shape: ClipShape) => number,
    seed: number,
    rank: Rank = ONE_RANK,
  ) {
    const ordered = clips.map((clip) => {
      const { index, source = 0, weight = 1 } = clip;
      return { index, kind: shapeKey(clip), source, weight };
    });
    const weights = new Map<string, number>();
    for (const { kind, weight } of ordered) weights.set(kind, (weights.get(kind) ?? 0) + weight);
    this.buckets = [...groupBy(clips, shapeKey).values()]
      .map((members) => {
        const { frames, height, width } = members[0] as ShapedClip;
        return { frames, height, width, batch: batchOf({ frames, height, width }) };
      })
      .sort((a, b) => a.frames - b.frames || a.height - b.height || a.width - b.width);
    const plans = this.buckets.map((bucket) => {
      const kind = shapeKey(bucket);
      const rate = (weights.get(kind) as number) / bucket.batch;
      return { kinds: Array.from({ length: bucket.batch }, () => kind), rate };
    });
    this.order = new GlobalOrder(plans, ordered, seed, rank);
  }

  /** The next batch: its bucket as `plan`, and clips of that shape. */
  next(): Drawn {
    return this.order.next();
  }

  get epochs(): Epochs {
    return this.order.epochs;
  }

  get state(): OrderState {
    return this.order.state;
  }

  /** Goes on from a saved state. @throws UserError when it was saved with other clips. */
  restore(state: unknown): void {
    this.order.restore(state);
  }
}
