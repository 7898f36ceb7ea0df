import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { namesIn } from "../base/files.ts";
import type { DamageOptions } from "../data/damage.ts";
import type { Dataset } from "../data/dataset.ts";
import { type LatentSet, openLatents } from "../data/latents.ts";
import { readManifest } from "../data/manifest.ts";
import type { VaeCodec } from "../models/vae/vaeCodec.ts";
import { EarlierLatents } from "./earlierLatents.ts";
import { encodeLatents, NOTHING_ENCODED, type NumEncoded } from "./encodeLatents.ts";

export interface EnsureOptions extends DamageOptions {
  /** Folder of the latents. Default: beside the dataset. */
  readonly dir?: string;
  /** Ends the work in good order when it aborts. */
  readonly aborts?: AbortSignal;
  /** Told how many clips are done: once before the first, then after each. Never when there is nothing to do. */
  readonly onProgress?: (done: number) => void;
}

/** Latents, open for reading, and what it took to have them. */
export interface EnsuredLatents {
  readonly latents: LatentSet;
  readonly counts: NumEncoded;
}

/** Where the latents of a dataset made with a VAE are kept: beside the dataset, filed by the hashes of both. */
export function latentDir(dataset: Dataset, vaeSha256: string): string {
  return join(latentsOf(dataset), `${dataset.fingerprint.slice(0, 12)}-${vaeSha256.slice(0, 12)}`);
}

/**
 * The latents of a dataset: posterior means, not normalised, one row for each clip in the dataset's order. What is there
 * already is used: a whole set; single clips of sets made with the same VAE, such as that of the dataset before it grew;
 * whole shards of a start that was killed.
 * @throws UserError, before any is encoded, when the VAE's factors do not divide a clip's size or `dir` holds other data.
 */
export async function ensureLatents(
  dataset: Dataset,
  codec: VaeCodec,
  vaeSha256: string,
  options: EnsureOptions = {},
): Promise<EnsuredLatents> {
  const { dir = latentDir(dataset, vaeSha256), aborts, onProgress } = options;
  const isThere = (await namesIn(dir)).length > 0;
  if (isThere) {
    const standing = standingOf(dir, dataset, vaeSha256);
    if (standing === "whole" || (standing === "with gaps" && !(await canFill(dir, dataset)))) {
      return { latents: await openLatents(dir, options), counts: NOTHING_ENCODED };
    }
  }
  const earlier = await EarlierLatents.open([dir, ...(await siblings(dataset))], vaeSha256);
  try {
    const source = { dataset, codec, vaeSha256, earlier };
    const counts = await encodeLatents(dir, source, { overwrite: isThere, aborts, onProgress });
    return { latents: await openLatents(dir, options), counts };
  } finally {
    await earlier.close();
  }
}

/** The folder with all latents of a dataset. */
function latentsOf(dataset: Dataset): string {
  return `${dataset.dir}.latents`;
}

async function siblings(dataset: Dataset): Promise<string[]> {
  const folder = latentsOf(dataset);
  return (await namesIn(folder)).filter((name) => !name.startsWith(".")).map((name) => join(folder, name));
}

type Standing = "whole" | "with gaps" | "of another state of the data";

/** What the latents in a folder are to a dataset. @throws UserError when they are not to be replaced by its own. */
function standingOf(dir: string, dataset: Dataset, vaeSha256: string): Standing {
  const { kind, made, skipped } = readManifest(dir);
  const { vae, dataset: fingerprint } = made.options;
  if (kind !== "latents" || vae !== vaeSha256) {
    const got = kind === "latents" ? `those of ${String(vae).slice(0, 12)}` : `a dataset of ${kind}`;
    throw new UserError(dir, {
      expected: `a new folder, or latents of the VAE ${vaeSha256.slice(0, 12)}`,
      got,
      try: "another name",
    });
  }
  if (fingerprint !== dataset.fingerprint) return "of another state of the data";
  return skipped.length === 0 ? "whole" : "with gaps";
}

/** Whether a clip can be read now that was damaged when the latents were made. */
async function canFill(dir: string, dataset: Dataset): Promise<boolean> {
  const latents = await openLatents(dir);
  try {
    for (const { index } of dataset.entries) {
      const isLost = latents.shards.row(index).place.shard < 0;
      if (!isLost) continue;
      const isReadable = await dataset.readFrames(index).then(
        () => true,
        () => false,
      );
      if (isReadable) return true;
    }
    return false;
  } finally {
    await latents.close();
  }
}
