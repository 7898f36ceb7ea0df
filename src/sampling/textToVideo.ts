import type { Grid } from "../base/grid.ts";
import { KeyedRandom } from "../base/random.ts";
import { CHANNELS } from "../data/clip.ts";
import { followFlow, noiseToClip, type Track } from "../diffusion/sampler.ts";
import { shiftOf } from "../diffusion/shift.ts";
import { patchWidth, tokenGrid, unpatchify } from "../models/patches/patchify.ts";
import { denormaliseLatents, type LatentStats } from "../models/vae/latents.ts";
import type { VaeCodec } from "../models/vae/vaeCodec.ts";
import { clipGrid, vaeFactor } from "../models/vae/vaeConfig.ts";
import { Denoiser, type TrainedDiT } from "./denoiser.ts";
import type { ClipRequest, SamplesConfig } from "./samplingConfig.ts";

/** A trained model, ready to draw clips. */
export interface VideoModel extends TrainedDiT {
  readonly codec: VaeCodec;
  readonly statistics: LatentStats;
}

/** A clip to draw. */
export interface DrawRequest extends ClipRequest {
  /** Names the clip's noise. Without it the prompt and the size do, and how often they came before in one call. */
  readonly noiseKey?: string;
}

export interface DrawOptions extends Pick<SamplesConfig, "sampler" | "guidance"> {
  readonly seed: number;
  readonly onStep?: (done: number, total: number) => void;
}

/**
 * Draws all requests together, clips of different sizes in one pack; with guidance each stands in it twice, with its
 * prompt and without. A clip depends on the seed, its prompt and its size alone, not on the others.
 * @returns frames T H W C as bytes, in the order of the requests.
 * @throws UserError, before anything is computed, when the model's factors do not divide a size.
 */
export async function textToVideo(
  video: VideoModel,
  requests: readonly DrawRequest[],
  options: DrawOptions,
): Promise<Uint8Array[]> {
  const { model, codec, statistics } = video;
  const latents = requests.map((request) => latentGridOf(video, request));
  const grids = latents.map((latent) => tokenGrid(latent, model.dit.patch));
  const numValues = patchWidth(model.dit.patch, model.latentChannels);
  const noise = requests.map((_, i) => noiseOf(requests, i, grids[i] as Grid, numValues, options.seed));
  const tracks = tracksOf(noise, grids, options);
  const denoiser = await Denoiser.create(
    video,
    requests.map(({ prompt }) => prompt),
    grids,
    options.guidance,
  );

  const { steps } = options.sampler;
  const start = new Float32Array(noise.reduce((sum, values) => sum + values.length, 0));
  for (const [i, { first }] of tracks.entries()) start.set(noise[i] as Float32Array, first);
  const clean = await followFlow(
    options.sampler.kind,
    (x, times) => denoiser.velocity(x, times, tracks),
    start,
    tracks,
    (done) => options.onStep?.(done, steps),
  ).finally(() => denoiser.dispose());

  const clips: Uint8Array[] = [];
  for (const [i, { first, length }] of tracks.entries()) {
    const latent = unpatchify(clean.subarray(first, first + length), latents[i] as Grid, model.dit.patch);
    const decoded = await codec.decode(denormaliseLatents(latent, statistics), latents[i] as Grid);
    clips.push(crop(decoded, clipGrid(latents[i] as Grid, vaeFactor(codec.cfg)), requests[i] as ClipRequest));
  }
  return clips;
}

/** The latent grid that is drawn for a clip: its own, or the next larger one that the patch divides. */
function latentGridOf({ codec, model }: VideoModel, { frames, height, width }: ClipRequest): Grid {
  const { t, h, w } = codec.latentGrid({ t: frames, h: height, w: width });
  const [pt, ph, pw] = model.dit.patch;
  const up = (side: number, patch: number): number => Math.ceil(side / patch) * patch;
  return { t: up(t, pt), h: up(h, ph), w: up(w, pw) };
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

function tracksOf(noise: readonly Float32Array[], grids: readonly Grid[], { sampler }: DrawOptions): Track[] {
  let first = 0;
  return noise.map(({ length }, i) => {
    const { t, h, w } = grids[i] as Grid;
    const track = { first, length, times: noiseToClip(sampler.steps, shiftOf(sampler.shift, t * h * w)) };
    first += length;
    return track;
  });
}

/** The same prompt asked for twice at one size gives two clips: the second has another key. */
function noiseOf(
  requests: readonly DrawRequest[],
  index: number,
  { t, h, w }: Grid,
  numValues: number,
  seed: number,
): Float32Array {
  const keys = requests.slice(0, index + 1).map(noiseName);
  const key = keys.pop() ?? "";
  const numBefore = keys.filter((other) => other === key).length;
  return new KeyedRandom(seed, "sample noise", key, numBefore).fillNormal(new Float32Array(t * h * w * numValues));
}

function noiseName({ prompt, frames, height, width, noiseKey }: DrawRequest): string {
  return noiseKey ?? JSON.stringify([prompt, frames, height, width]);
}
