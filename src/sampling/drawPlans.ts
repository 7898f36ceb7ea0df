import { gridKey } from "../base/grid.ts";
import { drawLatents } from "./drawLatents.ts";
import type { DrawManyOptions } from "./drawMany.ts";
import type { LatentVideo } from "./latentVideo.ts";
import type { ModePlan } from "./modes/modePlan.ts";
import { drawInPacks } from "./packs.ts";
import { shownFrames } from "./shownFrames.ts";
import type { VideoModel } from "./textToVideo.ts";

/**
 * Draws what any number of modes ask for, those of one grid together, and decodes it.
 * @returns frames T H W C as bytes, in the order of the plans.
 */
export async function drawPlans(
  video: VideoModel,
  plans: readonly ModePlan[],
  { onClips, ...options }: DrawManyOptions,
): Promise<Uint8Array[]> {
  return drawInPacks(
    video,
    options,
    plans,
    ({ request }) => gridKey(request.grid),
    async (part, kept) => {
      const requests = part.map(({ request }) => request);
      const drawn = await drawLatents(video, requests, { ...options, kept });
      const clips: Uint8Array[] = [];
      for (const [i, plan] of part.entries()) clips.push(await decoded(video, plan, drawn[i] as LatentVideo));
      return clips;
    },
    onClips,
  );
}

async function decoded({ codec }: VideoModel, plan: ModePlan, drawn: LatentVideo): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const frames of shownFrames(codec, plan.parts(drawn))) parts.push(frames);
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let first = 0;
  for (const part of parts) {
    whole.set(part, first);
    first += part.length;
  }
  return whole;
}
