import { join } from "node:path";
import { namesIn } from "../base/files.ts";
import type { Dataset } from "../data/dataset.ts";
import { createLatents, type LatentSet, openLatents } from "../data/latents.ts";
import type { VaeCodec } from "./vaeCodec.ts";

/** Where the latents of a dataset made with a VAE are kept: beside the dataset, filed by the hashes of both. */
export function latentDir(dataset: Dataset, vaeSha256: string): string {
  return join(`${dataset.dir}.latents`, `${dataset.fingerprint.slice(0, 12)}-${vaeSha256.slice(0, 12)}`);
}

/**
 * The latents of a dataset: posterior means, not normalised. Made when they are not there yet.
 * @param onProgress called after each clip that is encoded.
 */
export async function ensureLatents(
  dataset: Dataset,
  codec: VaeCodec,
  vaeSha256: string,
  onProgress: (done: number, total: number) => void,
): Promise<LatentSet> {
  const dir = latentDir(dataset, vaeSha256);
  if ((await namesIn(dir)).length > 0) return openLatents(dir);
  const made = { command: "data encode", options: { dataset: dataset.fingerprint, vae: vaeSha256 } };
  await createLatents(dir, { made }, async (out) => {
    for (const [done, entry] of dataset.entries.entries()) {
      const clip = { t: entry.frames, h: entry.height, w: entry.width };
      const latent_thwz = await codec.encode(await dataset.readFrames(entry.index), clip);
      out.add(entry, codec.latentGrid(clip), codec.cfg.latentChannels, latent_thwz.slice());
      onProgress(done + 1, dataset.entries.length);
    }
  });
  return openLatents(dir);
}
