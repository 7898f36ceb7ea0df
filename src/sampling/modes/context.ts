import { UserError } from "../../base/errors.ts";
import type { KnownFrame } from "../latentRequest.ts";
import { type LatentVideo, latentFrames } from "../latentVideo.ts";
import type { Reach } from "./modePlan.ts";

/** Latents as given frames of another clip, from this frame of it on. */
export function knownFrom(video: LatentVideo, firstFrame: number): KnownFrame[] {
  return Array.from({ length: video.grid.t }, (_, i) => ({
    frame: firstFrame + i,
    latent_hwz: latentFrames(video, i, i + 1).latent_thwz,
  }));
}

/**
 * The last latents of a clip, to go on from: at most so many.
 * @throws UserError when they begin inside the clip and the model has not seen such windows.
 */
export function ending(clip: LatentVideo, most: number, { inside, window }: Reach): LatentVideo {
  const count = Math.min(clip.grid.t, most);
  if (count < clip.grid.t && !inside) {
    throw new UserError("given clip", {
      expected: `at most ${most} latent frames: the model draws up to ${window} and was not trained on windows that begin inside a clip`,
      got: String(clip.grid.t),
      try: "a shorter clip, or a model trained with packing.window",
    });
  }
  return latentFrames(clip, clip.grid.t - count, clip.grid.t);
}

/**
 * Time, 1 = noise, down to which an image that a latent frame should end with waits for the other frames, see
 * `KnownFrame.until`. At 0 objects jump to the image and stand still there; of 0.3, 0.5, 0.7 and 0.9, at 0.5 they pass
 * through it most smoothly.
 */
const ROUGH = 0.5;

/** A latent frame that should end with an image, as far as the image tells: what is where, but not how it moves. */
export function roughlyFrom(image: LatentVideo, frame: number): KnownFrame {
  return { frame, latent_hwz: latentFrames(image, 0, 1).latent_thwz, until: ROUGH };
}

/** How a clip is arrived at. */
export interface Arrival {
  /** Its latents as they stand at the end of a longer clip. */
  readonly latents: LatentVideo;
  /** 1 when the last frame of the latents before them is the clip's first frame, else 0. */
  readonly overlap: 0 | 1;
  /** The given frames of the longer clip in which its latents begin at this frame. */
  knownAt(frame: number, count: number): KnownFrame[];
}

/**
 * The latents of a clip that others lead to. Its first latent stands for one frame of pixels; in the middle of a stream,
 * where each stands for several, that frame is the last of the latent before. A picture is held for a whole latent: the
 * autoencoder takes a first frame for one that stood still.
 */
export function arrivalAt(clip: LatentVideo, { time }: Reach): Arrival {
  if (time === 1 || clip.grid.t === 1) {
    return { latents: clip, overlap: 0, knownAt: (frame, count) => knownFrom(latentFrames(clip, 0, count), frame) };
  }
  const latents = latentFrames(clip, 1, clip.grid.t);
  return {
    latents,
    overlap: 1,
    knownAt: (frame, count) => [roughlyFrom(clip, frame - 1), ...knownFrom(latentFrames(latents, 0, count), frame)],
  };
}

/** @throws UserError when a mode needs more latent frames at once than the model draws. */
export function refuseTooLong(where: string, needed: number, { window, time }: Reach): void {
  if (needed <= window) return;
  throw new UserError(where, {
    expected: `at most ${window} latent frames at once, given ones among them: what the model was trained on`,
    got: String(needed),
    try: `${(needed - window) * time} frames less`,
  });
}

/** @throws UserError when frames of pixels are no whole number, or none. */
export function checkFrames(where: string, frames: number): void {
  if (Number.isInteger(frames) && frames > 0) return;
  throw new UserError(where, { expected: "a whole number of frames, at least 1", got: String(frames) });
}
