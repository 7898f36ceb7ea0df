import { UserError } from "../../base/errors.ts";
import { type Grid, gridSize } from "../../base/grid.ts";
import { numStepsOf, timesOf } from "../../diffusion/sampler.ts";
import { type Patch, tokenGrid } from "../../models/patches/patchify.ts";
import type { FlowClip } from "../flow.ts";
import { KeptFlow } from "../keptFlow.ts";
import { type DrawOptions, type LatentDrawer, noiseNames } from "../latentDrawer.ts";
import { checkRequest, type LatentRequest } from "../latentRequest.ts";
import { type LatentVideo, latentFrames } from "../latentVideo.ts";
import { numGiven, RollingClip } from "./rollingClip.ts";
import { type RollingConfig, RollingSchedule } from "./schedule.ts";

export interface RollOptions extends DrawOptions {
  readonly rolling: RollingConfig;
  /** Latent frames that the model sees at once. */
  readonly window: number;
}

/** Latent frames that will not change any more. Each clip's come in order, those that were given first. */
export interface FinishedLatents {
  /** Number of the request. */
  readonly clip: number;
  readonly latents: LatentVideo;
}

/** A clip on its way, its times, and the grid of its window in tokens. */
interface Roll {
  readonly clip: RollingClip;
  readonly schedule: RollingSchedule;
  readonly grid: Grid;
  /** From noise to clip. */
  readonly times: readonly number[];
}

/**
 * Draws clips of any length, all together, a window of each at a time, and hands out latents as they are finished: what
 * is in memory is the windows, however long the clips are. The model must know windows that begin inside a clip
 * (`packing.window`). Solvers and guidance that remember earlier steps begin anew where a frame begins.
 * @param requests of which first frames alone may be given. Prompts may change.
 * @throws UserError, before anything is computed, when what is given does not fit.
 */
export async function* rollOut(
  drawer: LatentDrawer,
  requests: readonly LatentRequest[],
  options: RollOptions,
): AsyncGenerator<FinishedLatents, void, undefined> {
  const { guidance, onStep, kept = new KeptFlow(drawer, options) } = options;
  const names = noiseNames(requests);
  const rolls = requests.map((request, i) => rollOf(drawer, request, [options.seed, ...(names[i] ?? [])], options));
  for (const [clip, { known = [], grid }] of requests.entries()) {
    for (const { latent_hwz } of known) yield { clip, latents: { grid: { ...grid, t: 1 }, latent_thwz: latent_hwz } };
  }
  const turns = [...new Set([0, ...rolls.flatMap(({ schedule }) => schedule.turns)])].sort((a, b) => a - b);
  const numSteps = turns.at(-1) as number;
  try {
    const flow = await kept.of(rolls.map(({ grid }) => grid));
    for (const [turn, from] of turns.slice(0, -1).entries()) {
      const to = turns[turn + 1] as number;
      const ends = await flow.run(
        rolls.map((roll, i) => stretchOf(roll, from, to, requests[i]?.negative ?? guidance.negative)),
        (done) => onStep?.(from + done, numSteps),
      );
      for (const [i, { clip }] of rolls.entries()) {
        for (const latents of clip.take(ends[i] as Float32Array, to)) yield { clip: i, latents };
      }
    }
  } finally {
    if (options.kept === undefined) await kept.dispose();
  }
}

/** Steps until clips that are rolled out together are all finished. */
export function numRollSteps(
  { model }: LatentDrawer,
  requests: readonly LatentRequest[],
  options: Pick<RollOptions, "sampler" | "rolling" | "window">,
): number {
  return Math.max(0, ...requests.map((request) => scheduleOf(model.dit.patch, request, options).schedule.numSteps));
}

/** Latents of one clip, a frame at a time, as a decoder that streams takes them. */
export async function* latentStream(
  finished: AsyncIterable<FinishedLatents>,
): AsyncGenerator<Float32Array, void, undefined> {
  for await (const { latents } of finished) {
    for (let t = 0; t < latents.grid.t; t++) yield latentFrames(latents, t, t + 1).latent_thwz;
  }
}

function rollOf(
  drawer: LatentDrawer,
  request: LatentRequest,
  noiseIds: readonly (string | number)[],
  options: RollOptions,
): Roll {
  const { patch } = drawer.model.dit;
  checkRequest(request, patch, drawer.model.latentChannels);
  const { schedule, grid } = scheduleOf(patch, request, options);
  const clip = new RollingClip(drawer, request, schedule, noiseIds);
  return { clip, schedule, grid, times: timesOf(options.sampler, gridSize(grid)) };
}

/** When a clip's frames are drawn, and the grid of its window in tokens. */
function scheduleOf(
  patch: Patch,
  request: LatentRequest,
  { sampler, rolling, window }: Pick<RollOptions, "sampler" | "rolling" | "window">,
): { readonly schedule: RollingSchedule; readonly grid: Grid } {
  const tokens = tokenGrid(request.grid, patch);
  const grid = { ...tokens, t: Math.min(tokens.t, Math.floor(window / patch[0])) };
  if (grid.t < 2) {
    throw new UserError("long clips", { expected: "a window of two frames or more", got: String(window) });
  }
  const schedule = new RollingSchedule(rolling, {
    numFrames: tokens.t,
    numGiven: numGiven(request) / patch[0],
    window: grid.t,
    steps: numStepsOf(sampler),
  });
  return { schedule, grid };
}

/** What the flow is given of a clip for the steps in which its window stands still. */
function stretchOf({ clip, schedule, grid, times }: Roll, from: number, to: number, negative: string): FlowClip {
  const first = schedule.windowAt(from);
  const numSteps = times.length - 1;
  const timeAt = (step: number, frame: number): number => times[numSteps - schedule.levelAt(step, frame)] as number;
  return {
    prompt: clip.promptAt(schedule.middleAt(from)),
    negative,
    start_LP: clip.slideTo(first, grid.t),
    times: Array.from({ length: grid.t }, (_, frame) =>
      Array.from({ length: to - from + 1 }, (_, k) => timeAt(from + k, first + frame)),
    ),
  };
}
