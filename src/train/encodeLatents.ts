import { z } from "zod";
import { conform } from "../base/conform.ts";
import type { Grid } from "../base/grid.ts";
import type { ClipEntry } from "../data/clip.ts";
import type { Dataset } from "../data/dataset.ts";
import { createLatents, type LatentWriter } from "../data/latents.ts";
import { DamagedRow } from "../data/shards/damagedRow.ts";
import type { VaeCodec } from "../models/vae/vaeCodec.ts";
import { latentGrid, vaeFactor } from "../models/vae/vaeConfig.ts";
import type { EarlierLatents } from "./earlierLatents.ts";

/** What latents are made of. */
export interface LatentSource {
  readonly dataset: Dataset;
  readonly codec: VaeCodec;
  readonly vaeSha256: string;
  /** Latents that need not be made again. */
  readonly earlier: EarlierLatents;
}

export interface EncodeOptions {
  readonly overwrite: boolean;
  readonly aborts: AbortSignal | undefined;
  readonly onProgress: ((done: number) => void) | undefined;
}

/** How the latents of a dataset's clips came about. */
export interface NumEncoded {
  readonly encoded: number;
  /** Taken from latents made before: of another state of the dataset, or by a start that was killed. */
  readonly reused: number;
  /** Clips with the content of another. */
  readonly repeated: number;
  /** Clips that are damaged. */
  readonly lost: number;
}

export const NOTHING_ENCODED: NumEncoded = { encoded: 0, reused: 0, repeated: 0, lost: 0 };

/** A clip of the dataset and the size of its latents. */
interface Item {
  readonly entry: ClipEntry;
  readonly clip: Grid;
  readonly grid: Grid;
}

/**
 * Makes the latents of a dataset, clip by clip; one that was killed or stopped goes on from its last whole shard.
 * @throws UserError, before the first, when the VAE's factors do not divide a clip's size; later when too many clips are
 * damaged. Interrupted when `aborts` does.
 */
export async function encodeLatents(dir: string, source: LatentSource, options: EncodeOptions): Promise<NumEncoded> {
  const { dataset, codec, vaeSha256 } = source;
  const items = dataset.entries.map((entry): Item => {
    const clip = { t: entry.frames, h: entry.height, w: entry.width };
    return { entry, clip, grid: latentGrid(clip, vaeFactor(codec.cfg), `vae for ${entry.source} of ${dataset.dir}`) };
  });
  const made = { command: "data encode", options: { dataset: dataset.fingerprint, vae: vaeSha256 } };
  const counts = { ...NOTHING_ENCODED };
  await createLatents(dir, { made, inputs: {}, overwrite: options.overwrite }, async (out) => {
    const firstOf = new Map<string, number>();
    const remember = ({ hash }: ClipEntry, index: number): void => {
      if (!out.isLost(index) && !firstOf.has(hash)) firstOf.set(hash, index);
    };
    const start = conform(z.int().nonnegative(), out.cursor ?? 0, `${dir} build`);
    counts.reused = start;
    for (const { entry } of items.slice(0, start)) remember(entry, entry.index);
    options.onProgress?.(start);
    for (const item of items.slice(start)) {
      options.aborts?.throwIfAborted();
      const { entry, grid } = item;
      const first = firstOf.get(entry.hash);
      if (first === undefined) counts[await addItem(out, source, item)] += 1;
      else {
        out.addRepeat(entry, grid, codec.cfg.latentChannels, first);
        counts.repeated += 1;
      }
      remember(entry, entry.index);
      out.commit(entry.index + 1);
      options.onProgress?.(entry.index + 1);
    }
  });
  return counts;
}

/** Adds the latents of a clip that has none yet, and tells where they came from. */
async function addItem(out: LatentWriter, source: LatentSource, item: Item): Promise<keyof NumEncoded> {
  const { entry, clip, grid } = item;
  const { dataset, codec, earlier } = source;
  const { latentChannels } = codec.cfg;
  const known = await earlier.find(entry.hash, grid);
  if (known !== undefined) {
    out.add(entry, grid, latentChannels, known);
    return "reused";
  }
  try {
    const latent_thwz = await codec.encode(await dataset.readFrames(entry.index), clip);
    out.add(entry, grid, latentChannels, latent_thwz);
    return "encoded";
  } catch (error) {
    if (!(error instanceof DamagedRow)) throw error;
    dataset.note(error);
    out.addLost(entry, grid, latentChannels, error.reason);
    return "lost";
  }
}
