import { shapeKey } from "../data/clip.ts";
import { groupBy } from "../data/group.ts";
import { KeptFlow } from "./keptFlow.ts";
import { type DrawOptions, type DrawRequest, textToVideo, type VideoModel } from "./textToVideo.ts";

/** Clips drawn at once: enough to keep every core busy, few enough for memory. */
const CLIPS_AT_ONCE = 16;

export interface DrawManyOptions extends DrawOptions {
  /** Told after each pack how many clips are done. */
  readonly onClips?: (done: number) => void;
}

/**
 * Draws any number of clips, those of one size together, so that one program serves many packs. Each clip's noise has the
 * clip's number as its key: equal prompts give different clips.
 * @returns frames T H W C as bytes, in the order of the requests.
 */
export async function drawMany(
  video: VideoModel,
  requests: readonly DrawRequest[],
  { onClips, ...options }: DrawManyOptions,
): Promise<Uint8Array[]> {
  const numbered = requests.map((request, i) => ({ i, request: { ...request, noiseKey: `clip ${i}` } }));
  const clips = new Array<Uint8Array>(requests.length);
  let done = 0;
  const kept = new KeptFlow(video, options);
  try {
    for (const alike of groupBy(numbered, ({ request }) => shapeKey(request)).values()) {
      for (let first = 0; first < alike.length; first += CLIPS_AT_ONCE) {
        const part = alike.slice(first, first + CLIPS_AT_ONCE);
        const drawn = await textToVideo(
          video,
          part.map(({ request }) => request),
          { ...options, kept },
        );
        for (const [k, { i }] of part.entries()) clips[i] = drawn[k] as Uint8Array;
        done += part.length;
        onClips?.(done);
      }
    }
    return clips;
  } finally {
    await kept.dispose();
  }
}
