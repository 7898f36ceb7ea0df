import type { Video } from "../data/media/video.ts";
import { colourMasks } from "./judge/masks.ts";
import { tracksOf } from "./judge/track.ts";

/** A place in a frame, in pixels; y goes down. */
export interface Centre {
  readonly x: number;
  readonly y: number;
}

/** Where the largest object of a clip is, frame by frame; undefined where the judge does not see it. */
export function centresOf(video: Video): (Centre | undefined)[] {
  const [track] = tracksOf(colourMasks(video), video);
  const centres = new Array<Centre | undefined>(video.frames).fill(undefined);
  for (const { frame, x, y } of track?.sights ?? []) centres[frame] = { x, y };
  return centres;
}

/** How far apart two places are, in pixels. */
export function apart(a: Centre, b: Centre): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
