import { UserError } from "../../base/errors.ts";
import { gridKey } from "../../base/grid.ts";
import type { LatentVideo } from "../latentVideo.ts";
import { checkFrames, knownFrom, refuseTooLong, roughlyFrom } from "./context.ts";
import { framesOf, type ModePlan, type Part, type Reach } from "./modePlan.ts";

/** An image and when it is shown. */
export interface Keyframe {
  /** Frame of pixels, from 0. */
  readonly frame: number;
  /** The image, encoded as a clip of one frame. */
  readonly image: LatentVideo;
}

/** Images that a clip passes through. */
export interface Keyframes {
  readonly prompt: string;
  readonly keyframes: readonly Keyframe[];
  /** Length of the clip in frames of pixels; rounded up to 1 + a multiple of the time factor. */
  readonly frames: number;
}

/**
 * A clip that shows each image at its time. In latents an image after the first frame stands still for as many frames as
 * a latent has, so it is given roughly: what is where, and no rest. The frame that is asked for is shown as the VAE has it.
 * @throws UserError when two images fall into one latent frame, or the clip is longer than the model's window.
 */
export function keyframes({ prompt, keyframes: given, frames }: Keyframes, reach: Reach): ModePlan {
  const { time } = reach;
  checkFrames("keyframes", frames);
  const [first] = given;
  if (first === undefined) throw new UserError("keyframes", { expected: "at least one image", got: "none" });
  const grid = { ...first.image.grid, t: 1 + Math.ceil((frames - 1) / time) };
  refuseTooLong("keyframes", grid.t, reach);
  const sorted = [...given].sort((a, b) => a.frame - b.frame);
  const latentOf = (frame: number): number => Math.ceil(frame / time);
  for (const [i, { frame, image }] of sorted.entries()) {
    if (gridKey(image.grid) !== gridKey({ ...grid, t: 1 })) {
      const expected = `images of one size, ${grid.h}x${grid.w} latent cells`;
      throw new UserError("keyframes", { expected, got: gridKey(image.grid) });
    }
    if (!Number.isInteger(frame) || frame < 0 || frame >= frames) {
      throw new UserError("keyframes", { expected: `frames from 0 to ${frames - 1}`, got: String(frame) });
    }
    const before = sorted[i - 1]?.frame;
    if (before !== undefined && latentOf(before) === latentOf(frame)) {
      const got = `${before} and ${frame}`;
      throw new UserError("keyframes", { expected: `frames that lie ${time} or more apart`, got });
    }
  }
  return {
    request: {
      prompt,
      grid,
      known: sorted.flatMap(({ frame, image }) =>
        frame === 0 || time === 1 ? knownFrom(image, frame) : [roughlyFrom(image, latentOf(frame))],
      ),
    },
    parts: (drawn) => shownThrough(drawn, sorted, time),
  };
}

/** What was drawn, but each image from its own latent alone. */
function shownThrough(drawn: LatentVideo, given: readonly Keyframe[], time: number): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const { frame, image } of given) {
    if (frame > from) parts.push({ latents: drawn, shown: [from, frame] });
    parts.push({ latents: image, shown: [0, 1] });
    from = frame + 1;
  }
  const end = framesOf(drawn.grid.t, time);
  if (from < end) parts.push({ latents: drawn, shown: [from, end] });
  return parts;
}
