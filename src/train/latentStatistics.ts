import type { ClipEntry } from "../data/clip.ts";
import type { Dataset } from "../data/dataset.ts";
import { isHeldOut } from "../data/heldOut.ts";
import { LatentMoments, type LatentStats } from "../models/vae/latents.ts";
import type { VaeCodec } from "./vaeCodec.ts";

/** Clips that the latent statistics are taken of, at most. */
const STATISTICS_CLIPS = 500;

/** Statistics per latent channel of the training clips, up to 500 of them, spread evenly. */
export async function latentStatistics(codec: VaeCodec, dataset: Dataset, heldOut: number): Promise<LatentStats> {
  const clips = dataset.entries.filter(({ hash }) => !isHeldOut(hash, heldOut));
  const moments = new LatentMoments(codec.cfg.latentChannels);
  const stride = Math.max(1, Math.ceil(clips.length / STATISTICS_CLIPS));
  for (let i = 0; i < clips.length; i += stride) {
    const { index, frames, height, width } = clips[i] as ClipEntry;
    moments.add(await codec.encode(await dataset.readFrames(index), { t: frames, h: height, w: width }));
  }
  return moments.stats();
}
