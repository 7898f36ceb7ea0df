import type { LatentRequest } from "../latentRequest.ts";
import type { LatentVideo } from "../latentVideo.ts";

/**
 * A stretch of a clip that is decoded by itself: its latents from the first on, of which frame 0 stands for one frame of
 * pixels and each further one for as many as the VAE's time factor. Only some of the frames are shown.
 */
export interface Part {
  readonly latents: LatentVideo;
  /** First and end of the decoded frames that are shown. */
  readonly shown: readonly [first: number, end: number];
}

/**
 * What a mode asks the model for, and how the answer becomes a clip: the shown frames of all parts, one part after the
 * other. Clips that were given are decoded from their own latents alone, so their frames are the VAE's reconstruction.
 */
export interface ModePlan {
  readonly request: LatentRequest;
  /** @param drawn what was drawn for the request. */
  parts(drawn: LatentVideo): readonly Part[];
}

/** How far a model and its VAE see, which decides how a mode can be asked for. */
export interface Reach {
  /** Frames of pixels that a latent frame stands for, after the first. */
  readonly time: number;
  /** Latent frames of the longest clip that the model was trained on at the size in question. */
  readonly window: number;
  /** Whether it was trained on windows that begin inside a clip (`packing.window`). */
  readonly inside: boolean;
}

/** Frames of pixels that so many latent frames decode to, the clip's first among them. */
export function framesOf(numLatents: number, time: number): number {
  return 1 + (numLatents - 1) * time;
}

/** All frames of latents, as the only part. */
export function wholePart(latents: LatentVideo, time: number): Part[] {
  return [{ latents, shown: [0, framesOf(latents.grid.t, time)] }];
}
