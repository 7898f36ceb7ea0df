import { join } from "node:path";
import { makeFolder } from "../../../base/files.ts";
import type { ShapesConfig } from "../../../data/shapes/world.ts";
import type { ClipRequest } from "../../../sampling/samplingConfig.ts";
import { EVALUATION, evaluationPath } from "../evaluationFiles.ts";
import type { OpenModel } from "../openModel.ts";
import { videosSheet } from "../pictures.ts";
import { withProgress } from "../withProgress.ts";
import { type MeasureOptions, withWorldModel } from "../worldModel.ts";
import { evaluateLong, longFrames } from "./evaluateLong.ts";
import { type LongCost, longCost } from "./longCost.ts";
import type { LongEvaluation } from "./longEvaluation.ts";
import { longScenes } from "./longScenes.ts";

/** Seconds of the clip that memory is compared with. */
const SHORT_SECONDS = 5;

export interface EvaluateLongOfRunOptions extends MeasureOptions {
  readonly seconds: number;
  /** Clips drawn of each kind of scene. */
  readonly clips: number;
}

/** Measures long clips of a run, and draws a contact sheet of some into its folder. */
export function evaluateLongOfRun(runDir: string, options: EvaluateLongOfRunOptions): Promise<LongEvaluation> {
  const { seconds, clips } = options;
  return withWorldModel(
    runDir,
    "--long",
    options,
    (known, world) => {
      longScenes(known, world, options);
    },
    async ({ model, world, drawing }) => {
      const costs = await costsOf(runDir, model, world, options);
      const { shown, ...measured } = await evaluateLong(model, world, { ...drawing, seconds, clips });
      await makeFolder(join(runDir, EVALUATION));
      await videosSheet(evaluationPath(runDir, model.step, ".png", "long"), shown);
      const { sampler, guidance } = drawing;
      const { rolling } = model.recipe.samples;
      return {
        run: runDir,
        step: model.step,
        sampling: { sampler, guidance, rolling },
        seconds,
        fps: model.facts.fps,
        clips,
        ...measured,
        costs,
        ...ratesOf(costs, model.facts.fps),
      };
    },
  );
}

/** What one clip of 5 seconds takes, of a quarter of the length, half of it and all of it, one after the other. */
async function costsOf(
  runDir: string,
  model: OpenModel,
  world: ShapesConfig,
  { seconds, seed, weights, engine, overrides, steps, cfg }: EvaluateLongOfRunOptions,
): Promise<LongCost[]> {
  const { going } = longScenes(model, world, { seconds, clips: 1, seed });
  const lengths = [SHORT_SECONDS, seconds / 4, seconds / 2, seconds].filter((length) => length <= seconds);
  const frames = [...new Set(lengths.map((length) => longFrames(model, length)))].sort((a, b) => a - b);
  const { caption: prompt, clip } = going[0] as (typeof going)[number];
  const costs: LongCost[] = [];
  await withProgress("measure lengths", frames.length, async (update) => {
    for (const [i, count] of frames.entries()) {
      const request: ClipRequest = { prompt, frames: count, height: clip.height, width: clip.width };
      costs.push(await longCost({ runDir, options: { seed, weights, engine, overrides, steps, cfg }, clip: request }));
      update(i + 1);
    }
  });
  return costs;
}

/** Memory of the longest against the shortest, and time for each further second in both halves of the length. */
function ratesOf(costs: readonly LongCost[], fps: number): Pick<LongEvaluation, "memoryRatio" | "cpuSecondsPerSecond"> {
  const [short, half, long] = [costs[0], costs.at(-2), costs.at(-1)] as [LongCost, LongCost, LongCost];
  const rate = (from: LongCost, to: LongCost): number =>
    ((to.cpuSeconds - from.cpuSeconds) * fps) / (to.frames - from.frames);
  return { memoryRatio: long.peakMb / short.peakMb, cpuSecondsPerSecond: [rate(short, half), rate(half, long)] };
}
