import { type Clips, wholeClips } from "../data/clips.ts";
import { isHeldOut } from "../data/heldOut.ts";
import { LatentMoments, type LatentStats } from "../models/vae/latents.ts";
import type { VaeCodec } from "../models/vae/vaeCodec.ts";

/** Clips that the latent statistics are taken of, at most. */
const STATISTICS_CLIPS = 500;

/** Statistics per latent channel of the training clips, up to 500 of them, spread evenly; damaged ones left out. */
export async function latentStatistics(codec: VaeCodec, clips: Clips, heldOut: number): Promise<LatentStats> {
  const seen = clips.entries.filter(({ hash }) => !isHeldOut(hash, heldOut));
  const moments = new LatentMoments(codec.cfg.latentChannels);
  const stride = Math.max(1, Math.ceil(seen.length / STATISTICS_CLIPS));
  const chosen = seen.filter((_, i) => i % stride === 0);
  for await (const { entry, frames_THWC } of wholeClips(clips, chosen)) {
    moments.add(await codec.encode(frames_THWC, { t: entry.frames, h: entry.height, w: entry.width }));
  }
  return moments.stats();
}
