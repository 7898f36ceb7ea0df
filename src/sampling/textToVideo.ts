import type { Grid } from "../base/grid.ts";
import { CHANNELS } from "../data/clip.ts";
import type { VaeCodec } from "../models/vae/vaeCodec.ts";
import { clipGrid, vaeFactor } from "../models/vae/vaeConfig.ts";
import { type DrawOptions, drawLatents, drawnGrid, type LatentDrawer } from "./drawLatents.ts";
import type { ClipRequest } from "./samplingConfig.ts";

export type { DrawOptions } from "./drawLatents.ts";

/** A trained model, ready to draw clips. */
export interface VideoModel extends LatentDrawer {
  readonly codec: VaeCodec;
}

/** A clip to draw. */
export interface DrawRequest extends ClipRequest {
  /** Names the clip's noise. Without it the prompt and the size do, and how often they came before in one call. */
  readonly noiseKey?: string;
}

/**
 * Draws all requests together, clips of different sizes in one pack, see `drawLatents`.
 * @returns frames T H W C as bytes, in the order of the requests.
 * @throws UserError, before anything is computed, when the model's factors do not divide a size.
 */
export async function textToVideo(
  video: VideoModel,
  requests: readonly DrawRequest[],
  options: DrawOptions,
): Promise<Uint8Array[]> {
  const { codec } = video;
  const wanted = requests.map((request) => ({
    prompt: request.prompt,
    ...(request.negative === undefined ? {} : { negative: request.negative }),
    grid: latentGridFor(video, request),
    noiseKey: noiseName(request),
  }));
  const clips: Uint8Array[] = [];
  for (const [i, { grid, latent_thwz }] of (await drawLatents(video, wanted, options)).entries()) {
    const decoded = await codec.decode(latent_thwz, grid);
    clips.push(crop(decoded, clipGrid(grid, vaeFactor(codec.cfg)), requests[i] as ClipRequest));
  }
  return clips;
}

/** The latent grid that is drawn for a clip: its own, or the next larger one that the patch divides. */
export function latentGridFor(
  { codec, model }: VideoModel,
  { frames, height, width }: Omit<ClipRequest, "prompt">,
): Grid {
  return drawnGrid(codec.latentGrid({ t: frames, h: height, w: width }), model.dit.patch);
}

/** The first frames and the middle of a clip that was drawn larger than asked for. */
function crop(frames_THWC: Uint8Array, drawn: Grid, { frames, height, width }: ClipRequest): Uint8Array {
  if (drawn.t === frames && drawn.h === height && drawn.w === width) return frames_THWC;
  const cropped = new Uint8Array(frames * height * width * CHANNELS);
  const top = Math.floor((drawn.h - height) / 2);
  const left = Math.floor((drawn.w - width) / 2);
  const rowBytes = width * CHANNELS;
  for (let row = 0; row < frames * height; row++) {
    const from = ((Math.floor(row / height) * drawn.h + top + (row % height)) * drawn.w + left) * CHANNELS;
    cropped.set(frames_THWC.subarray(from, from + rowBytes), row * rowBytes);
  }
  return cropped;
}

function noiseName({ prompt, frames, height, width, noiseKey }: DrawRequest): string {
  return noiseKey ?? JSON.stringify([prompt, frames, height, width]);
}
