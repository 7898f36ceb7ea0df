import { joinLatents, type LatentVideo, latentFrames } from "../latentVideo.ts";
import { arrivalAt, checkFrames, ending, knownFrom, refuseTooLong } from "./context.ts";
import { framesOf, type ModePlan, type Reach } from "./modePlan.ts";

/** A clip to make longer. */
export interface Extend {
  readonly prompt: string;
  /** The clip, encoded. */
  readonly clip: LatentVideo;
  /** Frames of pixels to add. */
  readonly frames: number;
}

/** What comes after a clip. More than the model's window is drawn by rolling, which begins with the whole clip. */
export function extendForward({ prompt, clip, frames }: Extend, reach: Reach): ModePlan {
  checkFrames("extend", frames);
  const { time, window } = reach;
  const added = Math.ceil(frames / time);
  const shownEnd = framesOf(clip.grid.t, time) + frames;
  const context = added < window ? ending(clip, window - added, reach) : clip;
  const grid = { ...clip.grid, t: context.grid.t + added };
  return {
    request: { prompt, grid, known: knownFrom(context, 0) },
    parts: (drawn) => [
      { latents: joinLatents([clip, latentFrames(drawn, context.grid.t, grid.t)]), shown: [0, shownEnd] },
    ],
  };
}

/**
 * What comes before a clip, as much as fits into the model's window with the clip's beginning.
 * @throws UserError when that is too much; extend the result again instead.
 */
export function extendBackward({ prompt, clip, frames }: Extend, reach: Reach): ModePlan {
  checkFrames("extend", frames);
  const { time, window } = reach;
  const { latents, overlap, knownAt } = arrivalAt(clip, reach);
  const added = 1 + Math.ceil((frames + overlap - 1) / time);
  refuseTooLong("extend backward", added + 1, reach);
  const numAfter = Math.min(latents.grid.t, window - added);
  const end = framesOf(added, time) - overlap;
  return {
    request: { prompt, grid: { ...clip.grid, t: added + numAfter }, known: knownAt(added, numAfter) },
    parts: (drawn) => [
      { latents: latentFrames(drawn, 0, added), shown: [end - frames, end] },
      { latents: clip, shown: [0, framesOf(clip.grid.t, time)] },
    ],
  };
}
