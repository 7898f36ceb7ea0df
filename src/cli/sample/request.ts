import { UserError } from "../../base/errors.ts";
import type { Grid } from "../../base/grid.ts";
import type { Size } from "../../data/ingest/geometry.ts";
import { latentGrid, vaeFactor } from "../../models/vae/vaeConfig.ts";
import { windowFor } from "../../sampling/drawLatents.ts";
import type { LatentVideo } from "../../sampling/latentVideo.ts";
import type { Reach } from "../../sampling/modes/modePlan.ts";
import { refuseUntrained } from "../../sampling/modes/trained.ts";
import type { KnownModel } from "../stages/openModel.ts";
import { longClipsOf, reachAt } from "../stages/reach.ts";
import { blankLatents, checkSize, type Drawing, type DrawingFor, drawingOf } from "./drawing.ts";
import { type FitTo, type Given, GivenFiles } from "./given.ts";
import type { Intent, Wish } from "./intent.ts";
import { clipsOf } from "./prompts.ts";
import { framesIn } from "./seconds.ts";

/** Everything that is known before weights are loaded: the files that were given, read, and what is to be drawn. */
export interface SampleRequest {
  readonly given: readonly Given[];
  readonly wanted: readonly DrawingFor[];
  readonly reach: Reach;
  /** Latents as the given files will have, of nothing. */
  readonly blanks: readonly LatentVideo[];
}

export interface SizeOptions {
  readonly height?: number | undefined;
  readonly width?: number | undefined;
}

/**
 * Reads what is given and plans what is asked for, without the weights.
 * @param tell told of what is left out or cut.
 * @throws UserError when a file cannot be used, or the model cannot do what is asked for.
 */
export async function requestOf(
  known: KnownModel,
  wish: Wish,
  options: SizeOptions,
  tell: (line: string) => void,
): Promise<SampleRequest> {
  const { intent } = wish;
  if (intent.mode !== "text") refuseUntrained(intent.mode, known.recipe.objective.conditioning);
  const given = await readGiven(known, intent, sizesFor(known, intent, options), tell);
  const size = given[0] === undefined ? usualSize(known, intent, options) : sizeOf(given[0].grid);
  const reach = reachAt(known, size);
  const frames = framesOf(known, wish, size);
  const exact = wish.length !== undefined && "frames" in wish.length;
  const wanted = clipsOf(wish.prompts).map((prompts) => ({ intent, ...prompts, frames, exact, ...size }));
  const factor = vaeFactor(known.vae.config);
  const blanks = given.map(({ grid }) => blankLatents(known, latentGrid(grid, factor)));
  const request = { given, wanted, reach, blanks };
  const long = longClipsOf(known);
  for (const { plan } of drawingsOf(known, request, blanks)) windowFor(plan.request, long);
  return request;
}

/** @param latents those of the given files. @throws UserError when the model or its VAE cannot do it. */
export function drawingsOf(known: KnownModel, request: SampleRequest, latents: readonly LatentVideo[]): Drawing[] {
  return request.wanted.map((wanted) => drawingOf(known, wanted, latents, request.reach));
}

/** The files of an intent in their order, all fitted to the size that suits the first. */
async function readGiven(
  known: KnownModel,
  intent: Intent,
  sizes: readonly Size[],
  tell: (line: string) => void,
): Promise<Given[]> {
  const { fps } = known.facts;
  const [time] = vaeFactor(known.vae.config);
  const files = await GivenFiles.open();
  try {
    const fit: FitTo = { sizes, fps };
    const video = (file: string, keep: "first" | "last", to = fit): Promise<Given> =>
      files.video("--video", file, { ...to, time, keep }, tell);
    switch (intent.mode) {
      case "text":
        return [];
      case "animate":
        return [await files.picture("--image", intent.image, fit)];
      case "extend forward":
        return [await video(intent.video, "last")];
      case "connect": {
        const from = await video(intent.from, "last");
        return [from, await video(intent.to, "first", { sizes: [sizeOf(from.grid)], fps })];
      }
      case "keyframes": {
        const pictures: Given[] = [];
        for (const { file } of intent.keyframes) {
          const [first] = pictures;
          const to = first === undefined ? fit : { sizes: [sizeOf(first.grid)], fps };
          pictures.push(await files.picture("--keyframes", file, to));
        }
        return pictures;
      }
      case "loop":
        return intent.video === undefined ? [] : [await video(intent.video, "first")];
      default:
        return [await video(intent.video, "first")];
    }
  } finally {
    await files.close();
  }
}

/** Sizes that what is given may be fitted to: what was asked for, else those of the training's videos. */
function sizesFor(known: KnownModel, intent: Intent, { height, width }: SizeOptions): Size[] {
  const usual = usualSize(known, intent, {});
  const sizes =
    height !== undefined || width !== undefined
      ? [{ height: height ?? usual.height, width: width ?? usual.width }]
      : videoGrids(known).map((grid) => ({ height: grid.height, width: grid.width }));
  if (intent.mode !== "text") for (const size of sizes) checkSize(known, size);
  return sizes;
}

function usualSize(known: KnownModel, intent: Intent, { height, width }: SizeOptions): Size {
  const [usual] = intent.mode === "text" ? known.facts.grids : videoGrids(known);
  if (usual === undefined) throw new UserError(known.runDir, { expected: "sizes of the training data", got: "none" });
  return { height: height ?? usual.height, width: width ?? usual.width };
}

/** Sizes and lengths of the training's videos, most frequent first; where it has none, of its pictures. */
function videoGrids({ facts }: KnownModel): KnownModel["facts"]["grids"] {
  const moving = facts.grids.filter(({ frames }) => frames > 1);
  return moving.length > 0 ? moving : facts.grids;
}

/** Length of the result: what was asked for, else what is usual at the size; undefined where what is given decides. */
function framesOf(known: KnownModel, { intent, length }: Wish, { height, width }: Size): number | undefined {
  const { fps, grids } = known.facts;
  if (length !== undefined) return "frames" in length ? length.frames : framesIn(length.seconds, fps);
  if (intent.mode === "text") return grids[0]?.frames;
  if (intent.mode !== "animate" && intent.mode !== "keyframes") return undefined;
  const candidates = videoGrids(known);
  const alike = candidates.find((grid) => grid.height === height && grid.width === width);
  const usual = (alike ?? candidates[0])?.frames ?? 1;
  if (intent.mode === "animate") return usual;
  return Math.max(usual, 1 + Math.max(...intent.keyframes.map(({ seconds }) => Math.round(seconds * fps))));
}

function sizeOf({ h, w }: Grid): Size {
  return { height: h, width: w };
}
