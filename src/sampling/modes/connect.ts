import { UserError } from "../../base/errors.ts";
import { gridKey } from "../../base/grid.ts";
import { joinLatents, type LatentVideo, latentFrames } from "../latentVideo.ts";
import { arrivalAt, checkFrames, ending, knownFrom, refuseTooLong } from "./context.ts";
import { framesOf, type ModePlan, type Part, type Reach } from "./modePlan.ts";

/** Two clips to lead one into the other. */
export interface Connect {
  readonly prompt: string;
  /** Both encoded, of one height and width. A picture is a clip of one frame. */
  readonly from: LatentVideo;
  readonly to: LatentVideo;
  /** Frames of pixels between them, at least; rounded up to what whole latents stand for. */
  readonly frames: number;
}

/** A clip to lead back to its own beginning. */
export interface Loop {
  readonly prompt: string;
  /** The clip, encoded. */
  readonly clip: LatentVideo;
  /** Frames of pixels from its end to its beginning, at least; rounded up to what whole latents stand for. */
  readonly frames: number;
}

/** The first clip, what leads to the second, and the second. @throws UserError when that is more than a window. */
export function connect(intent: Connect, reach: Reach): ModePlan {
  const { request, leading } = bridge("connect", intent, reach);
  const { to } = intent;
  return {
    request,
    parts: (drawn) => [leading(drawn), { latents: to, shown: [0, framesOf(to.grid.t, reach.time)] }],
  };
}

/** The clip, and what leads from its end to its beginning: played again and again it has no seam. */
export function loop({ prompt, clip, frames }: Loop, reach: Reach): ModePlan {
  const { request, leading } = bridge("loop", { prompt, from: clip, to: clip, frames }, reach);
  return { request, parts: (drawn) => [leading(drawn)] };
}

interface Bridge {
  readonly request: ModePlan["request"];
  /** The first clip with what was drawn after it. */
  leading(drawn: LatentVideo): Part;
}

function bridge(where: string, { prompt, from, to, frames }: Connect, reach: Reach): Bridge {
  checkFrames(where, frames);
  if (from.grid.h !== to.grid.h || from.grid.w !== to.grid.w) {
    const size = `${from.grid.h}x${from.grid.w} latent cells`;
    throw new UserError(where, { expected: `clips of one size, ${size}`, got: gridKey(to.grid) });
  }
  const { time, window } = reach;
  const { latents, overlap, knownAt } = arrivalAt(to, reach);
  const added = Math.ceil((frames + overlap) / time);
  refuseTooLong(where, added + 2, reach);
  const room = window - added;
  const numAfter = Math.min(latents.grid.t, Math.max(Math.floor(room / 2), room - from.grid.t));
  const before = ending(from, room - numAfter, reach);
  const [first, end] = [before.grid.t, before.grid.t + added];
  return {
    request: {
      prompt,
      grid: { ...from.grid, t: end + numAfter },
      known: [...knownFrom(before, 0), ...knownAt(end, numAfter)],
    },
    leading: (drawn) => ({
      latents: joinLatents([from, latentFrames(drawn, first, end)]),
      shown: [0, framesOf(from.grid.t, time) + added * time - overlap],
    }),
  };
}
