import { UserError } from "../../base/errors.ts";
import { isHeldOut } from "../heldOut.ts";
import type { RowEntry } from "../shards/rows.ts";
import type { ClipPool, PoolStore } from "./clipPool.ts";

/** A clip to train on. */
export interface TrainingClip {
  /** Index in the pool. */
  readonly index: number;
  readonly entry: RowEntry;
  /** Number of its source in the pool. */
  readonly source: number;
  /** How often it is drawn against a clip of weight 1. */
  readonly weight: number;
}

/**
 * The clips of a pool that are not held out, with the weights that they are drawn with: those of their sources, images
 * scaled such that they make up the mix's share of all draws.
 * @throws UserError when all clips of a dataset are held out, or a share of images is wanted where there are none.
 */
export function trainingClips(pool: ClipPool<PoolStore>, heldOut: number): TrainingClip[] {
  const clips = pool.sources.flatMap(({ weight, first, clips: members }, source) =>
    members
      .map((_, i) => pool.entries[first + i] as RowEntry)
      .filter(({ hash }) => !isHeldOut(hash, heldOut))
      .map((entry) => ({ index: entry.index, entry, source, weight })),
  );
  for (const [store, { dir }] of pool.stores.entries()) {
    if (clips.some(({ source }) => pool.sources[source]?.store === store)) continue;
    const { length } = pool.stores[store]?.shards.entries ?? [];
    throw new UserError(pool.stores.length === 1 ? "data" : `data.sources.${store}`, {
      expected: "clips to train on",
      got: length === 0 ? `none in ${dir}` : `none: all ${length} of ${dir} are held out`,
      try: length === 0 ? "another dataset" : "a smaller data.heldOut",
    });
  }
  const { images } = pool.mix;
  if (images === undefined) return clips;
  const weightOf = (wanted: boolean) =>
    clips.filter(({ entry }) => isImage(entry) === wanted).reduce((sum, { weight }) => sum + weight, 0);
  const [still, moving] = [weightOf(true), weightOf(false)];
  if (still === 0 || moving === 0) {
    throw new UserError("data.images", {
      expected: "images and videos to train on",
      got: still === 0 ? "no clip of one frame" : "no clip of more than one frame",
      try: still === 0 ? "images.from first-frames" : "the mix without data.images",
    });
  }
  const factor = ((images.share / (1 - images.share)) * moving) / still;
  return clips.map((clip) => (isImage(clip.entry) ? { ...clip, weight: clip.weight * factor } : clip));
}

function isImage({ frames }: RowEntry): boolean {
  return frames === 1;
}
