import { clipBytes } from "../data/clip.ts";
import type { VaeCodec } from "../models/vae/vaeCodec.ts";
import { clipGrid, vaeFactor } from "../models/vae/vaeConfig.ts";
import { type DrawOptions, drawLatents } from "./drawLatents.ts";
import type { LatentVideo } from "./latentVideo.ts";
import type { ModePlan, Part } from "./modes/modePlan.ts";
import type { VideoModel } from "./textToVideo.ts";

/**
 * Draws what several modes ask for, all in one pack, and decodes it.
 * @returns frames T H W C as bytes, in the order of the plans.
 */
export async function drawPlans(
  video: VideoModel,
  plans: readonly ModePlan[],
  options: DrawOptions,
): Promise<Uint8Array[]> {
  const drawn = await drawLatents(
    video,
    plans.map(({ request }) => request),
    options,
  );
  const clips: Uint8Array[] = [];
  for (const [i, plan] of plans.entries()) {
    clips.push(await decodeParts(video.codec, plan.parts(drawn[i] as LatentVideo)));
  }
  return clips;
}

/** The shown frames of all parts, one part after the other. */
export async function decodeParts(codec: VaeCodec, parts: readonly Part[]): Promise<Uint8Array> {
  const shownFrames: Uint8Array[] = [];
  for (const { latents, shown } of parts) {
    const { h, w } = clipGrid(latents.grid, vaeFactor(codec.cfg));
    const bytes = clipBytes({ frames: 1, height: h, width: w });
    const decoded = await codec.decode(latents.latent_thwz, latents.grid);
    shownFrames.push(decoded.slice(shown[0] * bytes, shown[1] * bytes));
  }
  return joined(shownFrames);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let first = 0;
  for (const part of parts) {
    whole.set(part, first);
    first += part.length;
  }
  return whole;
}
