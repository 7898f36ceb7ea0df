import { UserError } from "../base/errors.ts";
import type { Grid } from "../base/grid.ts";
import { latentGridOf } from "../models/patches/patchify.ts";
import { drawTogether } from "./drawTogether.ts";
import type { DrawOptions, LatentDrawer, LongClips } from "./latentDrawer.ts";
import type { LatentRequest } from "./latentRequest.ts";
import { joinLatents, type LatentVideo } from "./latentVideo.ts";
import { numGiven } from "./rolling/rollingClip.ts";
import { rollOut } from "./rolling/rollOut.ts";

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
  const whole = all.filter(({ window }) => window === undefined);
  const drawn = new Array<LatentVideo>(requests.length);
  const together = await drawTogether(
    drawer,
    whole.map(({ request }) => request),
    options,
  );
  for (const [i, { index }] of whole.entries()) drawn[index] = together[i] as LatentVideo;
  for (const window of new Set(all.flatMap((one) => one.window ?? []))) {
    const alike = all.filter((one) => one.window === window);
    for (const [i, video] of (await rolled(drawer, alike, window, options)).entries()) {
      drawn[(alike[i] as Numbered).index] = video;
    }
  }
  return drawn;
}

async function rolled(
  drawer: LatentDrawer,
  clips: readonly Numbered[],
  window: number,
  options: DrawOptions,
): Promise<LatentVideo[]> {
  const rolling = drawer.long?.rolling;
  const parts: LatentVideo[][] = clips.map(() => []);
  if (rolling === undefined) return [];
  const requests = clips.map(({ request }) => request);
  for await (const { clip, latents } of rollOut(drawer, requests, { ...options, rolling, window })) {
    parts[clip]?.push(latents);
  }
  return parts.map(joinLatents);
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
