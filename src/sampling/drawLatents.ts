import { assert, UserError } from "../base/errors.ts";
import type { Grid } from "../base/grid.ts";
import { numStepsOf } from "../diffusion/sampler.ts";
import { latentGridOf } from "../models/patches/patchify.ts";
import { drawTogether } from "./drawTogether.ts";
import type { DrawOptions, LatentDrawer, LongClips } from "./latentDrawer.ts";
import type { LatentRequest } from "./latentRequest.ts";
import { joinLatents, type LatentVideo } from "./latentVideo.ts";
import { numGiven } from "./rolling/rollingClip.ts";
import { numRollSteps, type RollOptions, rollOut } from "./rolling/rollOut.ts";

export type { DrawOptions, LatentDrawer } from "./latentDrawer.ts";

/** A request, its number, and the window that it is drawn through; undefined where the model sees it whole. */
interface Numbered {
  readonly index: number;
  readonly request: LatentRequest;
  readonly window: number | undefined;
}

/**
 * Draws clips of any length and size: those that the model sees whole in one pack, longer ones and those whose prompts
 * change by rolling. With guidance each stands in a pack twice, with its prompt and without. A clip depends on the seed
 * and its own request alone, not on the others.
 * @returns latents in the order of the requests; frames that were given are in them to the bit, but for rough ones.
 * @throws UserError, before anything is computed, when what is given does not fit.
 */
export async function drawLatents(
  drawer: LatentDrawer,
  requests: readonly LatentRequest[],
  options: DrawOptions,
): Promise<LatentVideo[]> {
  const all = requests.map((request, index) => ({ index, request, window: windowFor(request, drawer.long) }));
  const drawn = new Array<LatentVideo>(requests.length);
  const take = (part: readonly Numbered[], videos: readonly LatentVideo[]): void => {
    for (const [i, { index }] of part.entries()) drawn[index] = videos[i] as LatentVideo;
  };
  const total = numStepsFor(drawer, requests, options);
  let before = 0;
  const counting = (numSteps: number): DrawOptions => {
    const first = before;
    before += numSteps;
    return { ...options, onStep: (done) => options.onStep?.(first + done, total) };
  };
  const whole = all.filter(({ window }) => window === undefined);
  if (whole.length > 0) {
    const counted = counting(numStepsOf(options.sampler));
    take(whole, await drawTogether(drawer, requestsOf(whole), counted));
  }
  for (const [window, alike] of byWindow(all)) {
    const rollOptions = rollingOptions(drawer, window, options);
    const counted = counting(numRollSteps(drawer, requestsOf(alike), rollOptions));
    take(alike, await rolled(drawer, requestsOf(alike), { ...rollOptions, ...counted }));
  }
  return drawn;
}

/** Steps that drawing clips takes in all. */
export function numStepsFor(
  drawer: LatentDrawer,
  requests: readonly LatentRequest[],
  options: Pick<DrawOptions, "sampler">,
): number {
  const all = requests.map((request, index) => ({ index, request, window: windowFor(request, drawer.long) }));
  const whole = all.some(({ window }) => window === undefined) ? numStepsOf(options.sampler) : 0;
  return [...byWindow(all)].reduce(
    (sum, [window, alike]) => sum + numRollSteps(drawer, requestsOf(alike), rollingOptions(drawer, window, options)),
    whole,
  );
}

/** Draws clips through one window, each handed on for a preview when the first window is finished. */
async function rolled(
  drawer: LatentDrawer,
  requests: readonly LatentRequest[],
  options: RollOptions,
): Promise<LatentVideo[]> {
  const parts: LatentVideo[][] = requests.map(() => []);
  for await (const { clip, latents } of rollOut(drawer, requests, options)) {
    const [own, request] = [parts[clip] as LatentVideo[], requests[clip] as LatentRequest];
    const numBefore = lengthOf(own);
    own.push(latents);
    if (numBefore < options.window && lengthOf(own) >= options.window) {
      await options.onPreview?.(request, joinLatents(own));
    }
  }
  return parts.map(joinLatents);
}

function lengthOf(parts: readonly LatentVideo[]): number {
  return parts.reduce((sum, { grid }) => sum + grid.t, 0);
}

function requestsOf(numbered: readonly Numbered[]): LatentRequest[] {
  return numbered.map(({ request }) => request);
}

/** Those that are drawn through windows, by the window. */
function byWindow(all: readonly Numbered[]): Map<number, Numbered[]> {
  const groups = new Map<number, Numbered[]>();
  for (const one of all) {
    if (one.window !== undefined) groups.set(one.window, [...(groups.get(one.window) ?? []), one]);
  }
  return groups;
}

function rollingOptions<Options>({ long }: LatentDrawer, window: number, options: Options) {
  assert(long !== undefined, "a model that says how it rolls");
  return { ...options, rolling: long.rolling, window };
}

/**
 * The window that a clip is drawn through; undefined where it is drawn at once: when it is no longer than the window, and
 * where the model was not trained to go on from inside a clip (`Reach.inside`), which then draws further than it knows.
 * @throws UserError when prompts change in a clip that is drawn at once, or a longer one cannot begin with what is given.
 */
export function windowFor(request: LatentRequest, long: LongClips | undefined): number | undefined {
  const { grid, later = [] } = request;
  const { window, inside } = long?.reachOf(grid) ?? { window: grid.t, inside: false };
  if (inside && grid.t > window) {
    numGiven(request);
    return window;
  }
  if (later.length === 0) return undefined;
  throw new UserError("prompts", {
    expected: inside ? `one for a clip of up to ${window} latent frames` : "one: the model draws a clip at once",
    got: "one that changes",
    try: inside ? "a longer clip" : "a model trained with packing.window",
  });
}

/** The latent grid that is drawn for one that is wanted: itself, or the next larger one that the patch divides. */
export function drawnGrid({ t, h, w }: Grid, patch: readonly [number, number, number]): Grid {
  const up = (side: number, of: number): number => Math.ceil(side / of);
  return latentGridOf({ t: up(t, patch[0]), h: up(h, patch[1]), w: up(w, patch[2]) }, patch);
}
