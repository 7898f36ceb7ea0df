import { shapeKey } from "../data/clip.ts";
import { drawInPacks } from "./packs.ts";
import { type DrawOptions, type DrawRequest, textToVideo, type VideoModel } from "./textToVideo.ts";

export interface DrawManyOptions extends DrawOptions {
  /** Told after each pack how many clips are done. */
  readonly onClips?: (done: number) => void;
}

/**
 * Draws any number of clips, those of one size together. Each clip's noise has the clip's number as its key: equal
 * prompts give different clips.
 * @returns frames T H W C as bytes, in the order of the requests.
 */
export async function drawMany(
  video: VideoModel,
  requests: readonly DrawRequest[],
  { onClips, ...options }: DrawManyOptions,
): Promise<Uint8Array[]> {
  const named = requests.map((request, i) => ({ ...request, noiseKey: `clip ${i}` }));
  return drawInPacks(
    video,
    options,
    named,
    shapeKey,
    (part, kept) => textToVideo(video, part, { ...options, kept }),
    onClips,
  );
}
