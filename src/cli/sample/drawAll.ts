import { clipBytes } from "../../data/clip.ts";
import { writeFrames } from "../../data/media/encode.ts";
import { FramePicker } from "../../data/media/framePicker.ts";
import { writeContactSheet, writePicture, writeStrip } from "../../data/media/picture.ts";
import type { Video } from "../../data/media/video.ts";
import { numStepsOf } from "../../diffusion/sampler.ts";
import { vaeFactor } from "../../models/vae/vaeConfig.ts";
import { type DrawOptions, drawLatents, numStepsFor } from "../../sampling/drawLatents.ts";
import type { LatentVideo } from "../../sampling/latentVideo.ts";
import { type Part, wholePart } from "../../sampling/modes/modePlan.ts";
import type { ClipRequest } from "../../sampling/samplingConfig.ts";
import { cropped, framesBetween, shownFrames } from "../../sampling/shownFrames.ts";
import type { VideoModel } from "../../sampling/textToVideo.ts";
import { type OutFile, PICTURE_ENDING } from "../stages/outFile.ts";
import { upscaleFor } from "../stages/pictures.ts";
import { withProgress } from "../stages/withProgress.ts";
import type { Drawing } from "./drawing.ts";

/** A strip shows all frames of a clip up to so many, evenly chosen ones of a longer one. */
const FRAMES_IN_STRIP = 48;

export interface DrawAllOptions extends DrawOptions {
  /** Of the files. */
  readonly fps: number;
  readonly out: OutFile;
  /** Whether strips of what is to come are written long before the end. */
  readonly preview?: boolean;
}

/** A result and where it was written. */
export interface DrawnClip extends ClipRequest {
  readonly file: string;
  /** PNG with frames side by side; the file itself where that is a picture. */
  readonly strip: string;
}

/** All results, and the PNG that shows several of them together. */
export interface DrawnClips {
  readonly clips: readonly DrawnClip[];
  readonly sheet: string | undefined;
}

/** Draws all together and writes each: a video with a strip of its frames beside it, or a picture. */
export async function drawAll(
  model: VideoModel,
  drawings: readonly Drawing[],
  options: DrawAllOptions,
): Promise<DrawnClips> {
  const { stem, ending } = options.out;
  const parts = await drawParts(model, drawings, options);
  const clips: DrawnClip[] = [];
  const shown: Video[] = [];
  const numFrames = drawings.reduce((sum, { shape }) => sum + shape.frames, 0);
  await withProgress("decode", numFrames, async (update) => {
    let done = 0;
    for (const [i, { prompt, shape }] of drawings.entries()) {
      const name = nameOf(drawings, i, stem);
      const picker = new FramePicker(shape, FRAMES_IN_STRIP);
      const frames = picker.watch(framesOf(model, parts[i] ?? [], shape));
      const upscale = upscaleFor(Math.max(shape.height, shape.width));
      const [file, strip] = [`${name}${ending}`, `${name}${PICTURE_ENDING}`];
      if (ending === PICTURE_ENDING) {
        for await (const _ of frames);
        await writePicture(file, picker.video(options.fps), { upscale });
      } else {
        await writeFrames(file, { ...shape, fps: options.fps }, frames, { upscale });
        await writeStrip(strip, picker.video(options.fps), { upscale });
      }
      clips.push({ prompt, ...shape, file, strip });
      shown.push(picker.video(options.fps));
      done += shape.frames;
      update(done);
    }
  });
  if (clips.length === 1) return { clips, sheet: undefined };
  const sheet = `${stem}${PICTURE_ENDING}`;
  await writeContactSheet(sheet, shown, {
    upscale: upscaleFor(Math.max(...shown.map(({ height, width }) => Math.max(height, width)))),
  });
  return { clips, sheet };
}

/** Draws what is drawn first, then what follows from it. */
async function drawParts(
  model: VideoModel,
  drawings: readonly Drawing[],
  options: DrawAllOptions,
): Promise<(readonly Part[])[]> {
  const again = drawings.flatMap(({ next }, i) => (next === undefined ? [] : [{ i, next }]));
  const plans = drawings.map(({ plan }) => plan);
  const numSteps = numStepsFor(
    model,
    plans.map(({ request }) => request),
    options,
  );
  const total = numSteps + (again.length > 0 ? numStepsOf(options.sampler) : 0);
  return withProgress("sample", total, async (update, tell) => {
    const draw = (some: readonly Drawing["plan"][], before: number, more: Partial<DrawOptions> = {}) =>
      drawLatents(
        model,
        some.map(({ request }) => request),
        { ...options, ...more, onStep: (step) => update(before + step) },
      );
    const onPreview: DrawOptions["onPreview"] = async (request, latents) => {
      const i = plans.findIndex((plan) => plan.request === request);
      tell(`soon: ${await writePreview(model, drawings, i, latents, options)}`);
    };
    const drawn = await draw(plans, 0, options.preview === true ? { onPreview } : {});
    if (again.length > 0) {
      const second = again.map(({ i, next }) => next(drawn[i] as LatentVideo));
      for (const [k, latents] of (await draw(second, numSteps)).entries()) {
        const { i } = again[k] as (typeof again)[number];
        plans[i] = second[k] as Drawing["plan"];
        drawn[i] = latents;
      }
    }
    return plans.map((plan, i) => plan.parts(drawn[i] as LatentVideo));
  });
}

/** A strip of what a result will look like, of the first window of a long one. @returns where it is. */
async function writePreview(
  model: VideoModel,
  drawings: readonly Drawing[],
  index: number,
  latents: LatentVideo,
  { out, fps }: DrawAllOptions,
): Promise<string> {
  const { plan, shape } = drawings[index] as Drawing;
  const [time] = vaeFactor(model.codec.cfg);
  const isWhole = latents.grid.t === plan.request.grid.t;
  const parts = isWhole ? plan.parts(latents) : wholePart(latents, time);
  const frames = parts.reduce((sum, { shown }) => sum + shown[1] - shown[0], 0);
  const cut = { ...shape, frames: Math.min(shape.frames, frames) };
  const picker = new FramePicker(cut, FRAMES_IN_STRIP);
  for await (const _ of picker.watch(framesOf(model, parts, cut)));
  const file = `${nameOf(drawings, index, out.stem)}-preview${PICTURE_ENDING}`;
  await writeStrip(file, picker.video(fps), { upscale: upscaleFor(Math.max(shape.height, shape.width)) });
  return file;
}

/** Where a result goes, without its ending. */
function nameOf(drawings: readonly Drawing[], index: number, stem: string): string {
  return drawings.length === 1 ? stem : `${stem}-${index + 1}`;
}

/** The frames of a result, cut to its shape from the somewhat larger ones that are drawn. */
function framesOf({ codec }: VideoModel, parts: readonly Part[], shape: Drawing["shape"]): AsyncIterable<Uint8Array> {
  const [, space] = vaeFactor(codec.cfg);
  const [first] = parts;
  const { h, w } = first?.latents.grid ?? { h: 0, w: 0 };
  const drawn = { height: h * space, width: w * space };
  return framesBetween(
    cropped(shownFrames(codec, parts), drawn, shape),
    [0, shape.frames],
    clipBytes({ ...shape, frames: 1 }),
  );
}
