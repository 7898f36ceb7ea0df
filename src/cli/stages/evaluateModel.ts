import { type ClipEntry, shapeKey } from "../../data/clip.ts";
import { type Clips, wholeClips } from "../../data/clips.ts";
import { groupBy } from "../../data/group.ts";
import { isHeldOut } from "../../data/heldOut.ts";
import type { Video } from "../../data/media/video.ts";
import type { ShapesConfig } from "../../data/shapes/world.ts";
import { reportAdherence } from "../../evaluation/adherenceReport.ts";
import { bootstrapMean } from "../../evaluation/bootstrap.ts";
import { frechetThumbnailDistance, LEAST_CLIPS } from "../../evaluation/frechet.ts";
import { judgeClip } from "../../evaluation/judge/judge.ts";
import { nearestClip } from "../../evaluation/nearest.ts";
import { type LatentClip, lossByNoise, NOISE_LEVELS } from "../../evaluation/noiseLoss.ts";
import { reportReconstruction } from "../../evaluation/reconstructionReport.ts";
import { flicker } from "../../evaluation/steadiness.ts";
import type { VaeCodec } from "../../models/vae/vaeCodec.ts";
import { drawMany } from "../../sampling/drawMany.ts";
import type { DrawOptions, DrawRequest } from "../../sampling/textToVideo.ts";
import type { Evaluation } from "./evaluation.ts";
import type { OpenModel } from "./openModel.ts";
import { spread } from "./spread.ts";
import { withProgress } from "./withProgress.ts";
import { type WorldPrompt, worldPrompts } from "./worldPrompts.ts";

export interface EvaluateOptions extends DrawOptions {
  /** Clips drawn of each split. */
  readonly prompts: number;
}

/** Clips that reconstruction and loss are measured on, at most; of the loss, for each size. */
const RECONSTRUCTED = 100;
const LOSS_CLIPS = 16;

type Parts = Omit<Evaluation, "run" | "step" | "sampling">;

/** Measures a text-to-video model on its data. @param world the shapes world that the data is, if it is one. */
export async function evaluateModel(
  model: OpenModel,
  dataset: Clips,
  world: ShapesConfig | undefined,
  options: EvaluateOptions,
): Promise<Parts> {
  const unseen = dataset.entries.filter(({ hash }) => isHeldOut(hash, model.recipe.data.heldOut));
  const entries = unseen.length > 0 ? unseen : dataset.entries;
  const shown = spread(entries, RECONSTRUCTED);
  const vae = await withProgress("reconstruct", shown.length, (update) =>
    reportReconstruction(model.codec, dataset, shown, update),
  );
  const loss = await lossOf(model, dataset, entries);
  const drawing = world === undefined || model.recipe.dit.text.kind === "none";
  const drawn = drawing ? await likeData(model, dataset, entries, options) : await likeWorld(model, world, options);
  return { vae, loss, ...drawn };
}

/** Draws scenes of the world, and asks the judge. */
async function likeWorld(model: OpenModel, world: ShapesConfig, options: EvaluateOptions): Promise<Partial<Parts>> {
  const seen = worldPrompts(world, "seen", options.prompts, options.seed);
  const heldOut = world.holdOut === 0 ? [] : worldPrompts(world, "heldOut", options.prompts, options.seed);
  const drawn = await drawLike(model, [...seen, ...heldOut].map(requestOf), options);
  const reported = (prompts: readonly WorldPrompt[], clips: readonly Video[]) =>
    reportAdherence(
      prompts.map(({ scene }) => scene),
      clips.map(judgeClip),
    );
  const real = seen.map(({ clip }) => clip);
  const decoded: Video[] = [];
  for (const clip of real) decoded.push(await throughVae(model.codec, clip));
  return {
    adherence: {
      seen: reported(seen, drawn.slice(0, seen.length)),
      ...(heldOut.length === 0 ? {} : { heldOut: reported(heldOut, drawn.slice(seen.length)) }),
      vaeCeiling: reported(seen, decoded),
    },
    ...likeness(drawn.slice(0, seen.length), real),
  };
}

/** Draws clips with captions and sizes of the data's own, and looks for the nearest ones of the data. */
async function likeData(
  model: OpenModel,
  dataset: Clips,
  entries: readonly ClipEntry[],
  options: EvaluateOptions,
): Promise<Partial<Parts>> {
  const real: Video[] = [];
  const chosen: ClipEntry[] = [];
  for await (const { entry, frames_THWC } of wholeClips(dataset, spread(entries, options.prompts))) {
    chosen.push(entry);
    real.push({ ...entry, frames_THWC });
  }
  const text = model.recipe.dit.text.kind !== "none";
  const drawn = await drawLike(
    model,
    chosen.map(({ caption, ...size }) => requestOf({ scene: size, caption: text ? caption : "" })),
    options,
  );
  if (!text) return likeness(drawn, real);
  const found = drawn.map((clip, i) => chosen[nearestClip(clip, real).index]?.caption === chosen[i]?.caption);
  return { nearest: bootstrapMean(found.map(Number)), ...likeness(drawn, real) };
}

function requestOf({ scene, caption }: { scene: Pick<Video, "frames" | "height" | "width" | "fps">; caption: string }) {
  const { frames, height, width, fps } = scene;
  return { prompt: caption, frames, height, width, fps };
}

async function drawLike(
  model: OpenModel,
  requests: readonly (DrawRequest & { readonly fps: number })[],
  options: EvaluateOptions,
): Promise<Video[]> {
  const clips = await withProgress("draw clips", requests.length, (onClips) =>
    drawMany(model, requests, { ...options, onClips }),
  );
  return requests.map((request, i) => ({ ...request, frames_THWC: clips[i] as Uint8Array }));
}

function likeness(drawn: readonly Video[], real: readonly Video[]): Partial<Parts> {
  const mean = (clips: readonly Video[]): number | undefined => {
    const values = clips.map(flicker).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const [ofDrawn, ofReal] = [mean(drawn), mean(real)];
  return {
    ...(ofDrawn === undefined || ofReal === undefined ? {} : { flicker: { drawn: ofDrawn, real: ofReal } }),
    ...(drawn.length < LEAST_CLIPS ? {} : { ftd: frechetThumbnailDistance(real, drawn) }),
  };
}

async function throughVae(codec: VaeCodec, clip: Video): Promise<Video> {
  const grid = { t: clip.frames, h: clip.height, w: clip.width };
  const latent = await codec.encode(clip.frames_THWC, grid);
  return { ...clip, frames_THWC: await codec.decode(latent, codec.latentGrid(grid)) };
}

async function lossOf(
  model: OpenModel,
  dataset: Clips,
  entries: readonly ClipEntry[],
): Promise<NonNullable<Parts["loss"]>> {
  const buckets: Record<string, Record<string, number>> = {};
  for (const [key, members] of groupBy(entries, shapeKey)) {
    const clips: LatentClip[] = [];
    for await (const { entry, frames_THWC } of wholeClips(dataset, spread(members, LOSS_CLIPS))) {
      const { hash, caption, frames, height, width } = entry;
      const clip = { t: frames, h: height, w: width };
      const latent_thwz = await model.codec.encode(frames_THWC, clip);
      clips.push({ hash, caption, grid: model.codec.latentGrid(clip), latent_thwz });
    }
    if (clips.length === 0) continue;
    const losses = await lossByNoise(model, clips);
    buckets[key] = Object.fromEntries(NOISE_LEVELS.map((level, i) => [String(level), losses[i] as number]));
  }
  const all = Object.values(buckets).flatMap((levels) => Object.values(levels));
  return { mean: all.reduce((sum, value) => sum + value, 0) / all.length, buckets };
}
