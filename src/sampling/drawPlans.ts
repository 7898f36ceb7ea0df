import { type DrawOptions, drawLatents } from "./drawLatents.ts";
import type { LatentVideo } from "./latentVideo.ts";
import type { ModePlan } from "./modes/modePlan.ts";
import { shownFrames } from "./shownFrames.ts";
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
    const parts: Uint8Array[] = [];
    for await (const frames of shownFrames(video.codec, plan.parts(drawn[i] as LatentVideo))) parts.push(frames);
    clips.push(joined(parts));
  }
  return clips;
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
