import { join } from "node:path";
import { namesIn } from "../base/files.ts";
import type { Dataset } from "../data/dataset.ts";
import { createLatents, type LatentSet, openLatents } from "../data/latents.ts";
import { latentGrid, vaeFactor } from "../models/vae/vaeConfig.ts";
import type { VaeCodec } from "./vaeCodec.ts";

/** Where the latents of a dataset made with a VAE are kept: beside the dataset, filed by the hashes of both. */
export function latentDir(dataset: Dataset, vaeSha256: string): string {
  return join(`${dataset.dir}.latents`, `${dataset.fingerprint.slice(0, 12)}-${vaeSha256.slice(0, 12)}`);
}

/**
 * The latents of a dataset: posterior means, not normalised. Made when they are not there yet.
 * @param onProgress told after each clip how many are encoded; never when they are there.
 * @throws UserError, before any is encoded, when the VAE's factors do not divide a clip's size.
 */
export async function ensureLatents(
  dataset: Dataset,
  codec: VaeCodec,
  vaeSha256: string,
  onProgress: (done: number) => void,
): Promise<LatentSet> {
  const dir = latentDir(dataset, vaeSha256);
  if ((await namesIn(dir)).length > 0) return openLatents(dir);
  const clips = dataset.entries.map((entry) => {
    const clip = { t: entry.frames, h: entry.height, w: entry.width };
    const where = `vae for ${entry.source} of ${dataset.dir}`;
    return { entry, clip, grid: latentGrid(clip, vaeFactor(codec.cfg), where) };
  });
  const made = { command: "data encode", options: { dataset: dataset.fingerprint, vae: vaeSha256 } };
  await createLatents(dir, { made }, async (out) => {
    for (const [done, { entry, clip, grid }] of clips.entries()) {
      const latent_thwz = await codec.encode(await dataset.readFrames(entry.index), clip);
      out.add(entry, grid, codec.cfg.latentChannels, latent_thwz.slice());
      onProgress(done + 1);
    }
  });
  return openLatents(dir);
}
