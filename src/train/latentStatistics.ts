import type { ClipEntry, Clips } from "../data/clip.ts";
import { isHeldOut } from "../data/heldOut.ts";
import { LatentMoments, type LatentStats } from "../models/vae/latents.ts";
import type { VaeCodec } from "./vaeCodec.ts";

/** Clips that the latent statistics are taken of, at most. */
const STATISTICS_CLIPS = 500;

/** Statistics per latent channel of the training clips, up to 500 of them, spread evenly. */
export async function latentStatistics(codec: VaeCodec, clips: Clips, heldOut: number): Promise<LatentStats> {
  const seen = clips.entries.filter(({ hash }) => !isHeldOut(hash, heldOut));
  const moments = new LatentMoments(codec.cfg.latentChannels);
  const stride = Math.max(1, Math.ceil(seen.length / STATISTICS_CLIPS));
  for (let i = 0; i < seen.length; i += stride) {
    const { index, frames, height, width } = seen[i] as ClipEntry;
    moments.add(await codec.encode(await clips.readFrames(index), { t: frames, h: height, w: width }));
  }
  return moments.stats();
}
