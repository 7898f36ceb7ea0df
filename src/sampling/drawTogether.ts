import { type Grid, gridSize } from "../base/grid.ts";
import { KeyedRandom } from "../base/random.ts";
import { numStepsOf, type SamplerConfig, timesOf } from "../diffusion/sampler.ts";
import { patchify, patchWidth, tokenGrid, unpatchify } from "../models/patches/patchify.ts";
import { denormaliseLatents, normaliseLatents } from "../models/vae/latents.ts";
import type { FlowClip } from "./flow.ts";
import { KeptFlow } from "./keptFlow.ts";
import { type DrawOptions, type LatentDrawer, noiseNames } from "./latentDrawer.ts";
import { checkRequest, type LatentRequest } from "./latentRequest.ts";
import type { LatentVideo } from "./latentVideo.ts";

/** Share of the steps after which a preview is shown: by then it is decided what is where. */
const PREVIEW = 0.4;

/**
 * Draws clips that the model sees whole, of any sizes and whatever is given of each, all in one pack.
 * @returns latents in the order of the requests; frames that were given are in them to the bit, but for rough ones.
 * @throws UserError, before anything is computed, when what is given does not fit.
 */
export async function drawTogether(
  drawer: LatentDrawer,
  requests: readonly LatentRequest[],
  options: DrawOptions,
): Promise<LatentVideo[]> {
  if (requests.length === 0) return [];
  const { seed, sampler, guidance, onStep, onPreview, kept = new KeptFlow(drawer, options) } = options;
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
    const latents = (i: number, ends: readonly Float32Array[]): LatentVideo =>
      latentsOf(requests[i] as LatentRequest, ends[i] as Float32Array, (clips[i] as FlowClip).times, drawer);
    const show = async (ends: readonly Float32Array[]): Promise<void> => {
      for (const [i, request] of requests.entries()) await onPreview?.(request, latents(i, ends));
    };
    const peek = onPreview === undefined ? undefined : { after: Math.ceil(numSteps * PREVIEW), show };
    const ends = await flow.run(clips, (done) => onStep?.(done, numSteps), peek);
    return requests.map((_, i) => latents(i, ends));
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

/** Times of each frame of tokens: 0 all the way where it is given, its own time at most where it is given roughly. */
function timesOfFrames({ known = [], edit }: LatentRequest, tokens: Grid, sampler: SamplerConfig, patchFrames: number) {
  const whole = timesOf(sampler, gridSize(tokens));
  const drawn = edit === undefined ? whole : partOfTimes(whole, edit.strength);
  const given = new Map(known.map(({ frame, until = 0 }) => [Math.floor(frame / patchFrames), until]));
  return Array.from({ length: tokens.t }, (_, frame) => {
    const until = given.get(frame) ?? 1;
    return drawn.map((time) => Math.min(time, until));
  });
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
  for (const { frame, latent_hwz, until = 0 } of known) {
    if (until === 0) latent_thwz.set(latent_hwz, frame * frameSize);
  }
  return { grid, latent_thwz };
}
