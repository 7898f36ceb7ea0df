import { type Grid, gridKey, gridSize } from "../base/grid.ts";
import { KeyedRandom } from "../base/random.ts";
import { numStepsOf, type SamplerConfig, timesOf } from "../diffusion/sampler.ts";
import { latentGridOf, patchify, patchWidth, tokenGrid, unpatchify } from "../models/patches/patchify.ts";
import { denormaliseLatents, type LatentStats, normaliseLatents } from "../models/vae/latents.ts";
import type { TrainedDiT } from "./denoiser.ts";
import type { FlowClip, FlowConfig } from "./flow.ts";
import { KeptFlow } from "./keptFlow.ts";
import { checkRequest, type LatentRequest } from "./latentRequest.ts";
import type { LatentVideo } from "./latentVideo.ts";

/** A trained model that draws latents as its VAE makes them. */
export interface LatentDrawer extends TrainedDiT {
  /** Those that latents were normalised with in training. */
  readonly statistics: LatentStats;
}

export interface DrawOptions extends FlowConfig {
  readonly seed: number;
  readonly onStep?: (done: number, total: number) => void;
  /** Keeps what is compiled from call to call, with this sampler and guidance. */
  readonly kept?: KeptFlow;
}

/**
 * Draws all clips together, those of different sizes and with different frames given in one pack; with guidance each
 * stands in it twice, with its prompt and without. A clip depends on the seed and its own request alone, not on the
 * others.
 * @returns latents in the order of the requests; frames that were given are in them to the bit.
 * @throws UserError, before anything is computed, when what is given does not fit.
 */
export async function drawLatents(
  drawer: LatentDrawer,
  requests: readonly LatentRequest[],
  options: DrawOptions,
): Promise<LatentVideo[]> {
  const { seed, sampler, guidance, onStep, kept = new KeptFlow(drawer, options) } = options;
  const { patch } = drawer.model.dit;
  for (const request of requests) checkRequest(request, patch, drawer.model.latentChannels);
  const grids = requests.map(({ grid }) => tokenGrid(grid, patch));
  const numValues = patchWidth(patch, drawer.model.latentChannels);
  const names = noiseNames(requests);
  const clips = requests.map((request, i) => {
    const tokens = grids[i] as Grid;
    const times = timesOfFrames(request, tokens, sampler, patch[0]);
    const noise = new KeyedRandom(seed, "sample noise", ...(names[i] as [string, number]));
    const eps_LP = noise.fillNormal(new Float32Array(gridSize(tokens) * numValues));
    const { prompt, negative = guidance.negative } = request;
    return { prompt, negative, times, start_LP: startOf(request, times, eps_LP, drawer) };
  });
  try {
    const flow = await kept.of(grids);
    const numSteps = numStepsOf(sampler);
    const ends = await flow.run(clips, (done) => onStep?.(done, numSteps));
    return requests.map((request, i) =>
      latentsOf(request, ends[i] as Float32Array, (clips[i] as FlowClip).times, drawer),
    );
  } finally {
    if (options.kept === undefined) await kept.dispose();
  }
}

/** The part of a schedule that is left when `strength` of it is to be taken, in as many steps. 1 is all of it. */
export function partOfTimes(times: readonly number[], strength: number): number[] {
  const last = times.length - 1;
  return times.map((_, i) => {
    const at = (1 - strength) * last + strength * i;
    const before = Math.min(Math.floor(at), last - 1);
    const [from = 0, to = 0] = [times[before], times[before + 1]];
    return from + (at - before) * (to - from);
  });
}

/** Times of each frame of tokens: 0 all the way where it is given. */
function timesOfFrames({ known = [], edit }: LatentRequest, tokens: Grid, sampler: SamplerConfig, patchFrames: number) {
  const whole = timesOf(sampler, gridSize(tokens));
  const drawn = edit === undefined ? whole : partOfTimes(whole, edit.strength);
  const given = new Set(known.map(({ frame }) => Math.floor(frame / patchFrames)));
  const still = drawn.map(() => 0);
  return Array.from({ length: tokens.t }, (_, frame) => (given.has(frame) ? still : drawn));
}

/** Where the flow starts, as tokens: (1 - t) x0 + t eps of each frame, x0 being what is given or edited. */
function startOf(
  request: LatentRequest,
  times: readonly (readonly number[])[],
  noise: Float32Array,
  { model, statistics }: LatentDrawer,
): Float32Array {
  const { grid, known = [], edit } = request;
  if (known.length === 0 && edit === undefined) return noise;
  const given = edit?.from.latent_thwz.slice() ?? new Float32Array(noise.length);
  for (const { frame, latent_hwz } of known) given.set(latent_hwz, frame * latent_hwz.length);
  const x0_LP = patchify(normaliseLatents(given, statistics), grid, model.dit.patch);
  const frameSize = noise.length / times.length;
  return noise.map((eps, i) => {
    const t = times[Math.floor(i / frameSize)]?.[0] as number;
    return (1 - t) * (x0_LP[i] as number) + t * eps;
  });
}

/** What the VAE decodes. Frames that stood still all the way are those that were given, unrounded. */
function latentsOf(
  { grid, known = [], edit }: LatentRequest,
  tokens_LP: Float32Array,
  times: readonly (readonly number[])[],
  { model, statistics }: LatentDrawer,
): LatentVideo {
  const latent_thwz = denormaliseLatents(unpatchify(tokens_LP, grid, model.dit.patch), statistics);
  const frameSize = latent_thwz.length / grid.t;
  for (let frame = 0; frame < grid.t && edit !== undefined; frame++) {
    if (times[Math.floor(frame / model.dit.patch[0])]?.[0] !== 0) continue;
    const stretch = [frame * frameSize, (frame + 1) * frameSize] as const;
    latent_thwz.set(edit.from.latent_thwz.subarray(...stretch), stretch[0]);
  }
  for (const { frame, latent_hwz } of known) latent_thwz.set(latent_hwz, frame * frameSize);
  return { grid, latent_thwz };
}

/**
 * What the noise of each clip is named by. The same prompt asked for twice at one size gives two clips: the second has
 * another name.
 */
export function noiseNames(requests: readonly LatentRequest[]): [name: string, numBefore: number][] {
  const names = requests.map(noiseName);
  return names.map((name, i) => [name, names.slice(0, i).filter((other) => other === name).length]);
}

function noiseName({ prompt, grid, noiseKey }: LatentRequest): string {
  return noiseKey ?? JSON.stringify([prompt, gridKey(grid)]);
}

/** The latent grid that is drawn for one that is wanted: itself, or the next larger one that the patch divides. */
export function drawnGrid({ t, h, w }: Grid, patch: readonly [number, number, number]): Grid {
  const up = (side: number, of: number): number => Math.ceil(side / of);
  return latentGridOf({ t: up(t, patch[0]), h: up(h, patch[1]), w: up(w, patch[2]) }, patch);
}
