import { gridKey } from "../../../base/grid.ts";
import type { Video } from "../../../data/media/video.ts";
import type { ShapesConfig } from "../../../data/shapes/world.ts";
import { bootstrapMean } from "../../../evaluation/bootstrap.ts";
import { type LongFindings, type LongSpans, longFindings, reportLong } from "../../../evaluation/long/longFindings.ts";
import { occlusionsIn } from "../../../evaluation/occlusions.ts";
import { vaeFactor } from "../../../models/vae/vaeConfig.ts";
import { drawLatents } from "../../../sampling/drawLatents.ts";
import type { LatentRequest } from "../../../sampling/latentRequest.ts";
import { framesOf } from "../../../sampling/modes/modePlan.ts";
import { drawInPacks } from "../../../sampling/packs.ts";
import { type DrawOptions, latentGridFor } from "../../../sampling/textToVideo.ts";
import type { OpenModel } from "../openModel.ts";
import { withProgress } from "../withProgress.ts";
import type { WorldPrompt } from "../worldPrompts.ts";
import type { LongEvaluation, OcclusionReport } from "./longEvaluation.ts";
import { longScenes } from "./longScenes.ts";

/** Seconds of the beginning and of the end that are compared; of shorter clips, at most half of each. */
const BEGIN_SECONDS = 5;
const END_SECONDS = 10;
/** Clips to look at, and frames of each. */
const SHOWN = 4;
const FRAMES_SHOWN = 24;

export interface EvaluateLongOptions extends DrawOptions {
  readonly seconds: number;
  /** Clips drawn of each kind of scene. */
  readonly clips: number;
}

/** Figures of long clips, and some of them to look at. */
export interface MeasuredLong extends Pick<LongEvaluation, "begin" | "end" | "colourKept" | "compared" | "occlusions"> {
  readonly shown: readonly Video[];
}

/**
 * Draws long clips of a shapes world and reads them window by window: whether they stay what they were at the beginning,
 * and whether what goes out of sight comes back the same, as often as in clips that the model sees whole.
 * @throws UserError when the model cannot draw them.
 */
export async function evaluateLong(
  model: OpenModel,
  config: ShapesConfig,
  options: EvaluateLongOptions,
): Promise<MeasuredLong> {
  const { seconds } = options;
  const { going, hiding, window } = longScenes(model, config, options);
  const numFrames = longFrames(model, seconds);
  const { fps } = model.facts;
  const compared = {
    beginSeconds: Math.min(BEGIN_SECONDS, seconds / 2),
    endSeconds: Math.min(END_SECONDS, seconds / 2),
    windowFrames: window,
  };
  const spans = (of: Video): LongSpans => ({
    window: Math.min(window, of.frames),
    begin: Math.round(compared.beginSeconds * fps),
    end: Math.round(compared.endSeconds * fps),
  });
  const shown: Video[] = [];
  const total = Math.round((going.length + hiding.length) * seconds + (hiding.length * window) / fps);
  return withProgress("draw long clips", total, async (update) => {
    const draw = <T>(
      name: string,
      prompts: readonly WorldPrompt[],
      frames: number,
      before: number,
      read: (clip: Video) => T,
    ) =>
      drawn(model, requestsOf(model, name, prompts, frames), options, read, (clips) =>
        update(Math.floor(before + (clips * frames) / fps)),
      );
    const findings = await draw("going", going, numFrames, 0, (clip): LongFindings => {
      if (shown.length < SHOWN) shown.push(someFrames(clip));
      return longFindings(clip, spans(clip));
    });
    const known = (clip: Video): boolean[] => occlusionsIn(clip, window);
    const short = await draw("hiding", hiding, window, going.length * seconds, known);
    const long = await draw(
      "hiding long",
      hiding,
      numFrames,
      going.length * seconds + (hiding.length * window) / fps,
      known,
    );
    return {
      ...reportLong(
        going.map(({ scene }) => scene),
        findings,
      ),
      compared,
      ...(hiding.length > 0 && { occlusions: { short: reportOcclusions(short), long: reportOcclusions(long) } }),
      shown,
    };
  });
}

/** Frames of a clip of so many seconds: 1 + a multiple of the VAE's time factor. */
export function longFrames({ facts, vae }: Pick<OpenModel, "facts" | "vae">, seconds: number): number {
  const [time] = vaeFactor(vae.config);
  return framesOf(1 + Math.ceil((Math.round(seconds * facts.fps) - 1) / time), time);
}

function requestsOf(model: OpenModel, name: string, prompts: readonly WorldPrompt[], frames: number): LatentRequest[] {
  return prompts.map(({ caption, clip: { height, width } }, i) => ({
    prompt: caption,
    grid: latentGridFor(model, { frames, height, width }),
    noiseKey: `${name} ${i}`,
  }));
}

/** Draws clips in packs and reads each as soon as it is decoded. */
function drawn<T>(
  model: OpenModel,
  requests: readonly LatentRequest[],
  options: DrawOptions,
  read: (clip: Video) => T,
  update: (clips: number) => void,
): Promise<T[]> {
  const [time, space] = vaeFactor(model.codec.cfg);
  let done = 0;
  return drawInPacks(
    model,
    options,
    requests,
    ({ grid }) => gridKey(grid),
    async (part, kept) => {
      const onStep = (step: number, of: number): void => update(done + (part.length * step) / of);
      const found: T[] = [];
      for (const { grid, latent_thwz } of await drawLatents(model, part, { ...options, kept, onStep })) {
        const frames_THWC = await model.codec.decode(latent_thwz, grid);
        const shape = { frames: framesOf(grid.t, time), height: grid.h * space, width: grid.w * space };
        found.push(read({ ...shape, fps: model.facts.fps, frames_THWC }));
      }
      return found;
    },
    (clips) => {
      done = clips;
    },
  );
}

function reportOcclusions(clips: readonly (readonly boolean[])[]): OcclusionReport {
  const all = clips.flat();
  return {
    clips: clips.length,
    hidden: bootstrapMean(clips.map(({ length }) => Number(length > 0))),
    survived: all.length === 0 ? null : bootstrapMean(all.map(Number)),
  };
}

/** Evenly chosen frames of a clip, the first and the last among them. */
function someFrames({ frames_THWC, frames, ...size }: Video): Video {
  const count = Math.min(FRAMES_SHOWN, frames);
  const bytes = frames_THWC.length / frames;
  const chosen = new Uint8Array(count * bytes);
  for (let i = 0; i < count; i++) {
    const frame = Math.round((i * (frames - 1)) / Math.max(1, count - 1));
    chosen.set(frames_THWC.subarray(frame * bytes, (frame + 1) * bytes), i * bytes);
  }
  return { ...size, frames: count, frames_THWC: chosen };
}
