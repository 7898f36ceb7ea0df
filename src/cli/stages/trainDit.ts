import { join } from "node:path";
import { gridKey } from "../../base/grid.ts";
import type { Resolved } from "../../config/recipe.ts";
import type { ClipPool } from "../../data/mix/clipPool.ts";
import type { GridDraw, MaskedPacking, PackingDecision, PlannedPacking } from "../../data/plans/decide.ts";
import type { LatentModel } from "../../diffusion/ditPrograms.ts";
import type { Engine } from "../../engine/engine.ts";
import type { DiTConfig } from "../../models/dit/ditConfig.ts";
import { numCutOf } from "../../models/text/textRow.ts";
import { partlyWhitened } from "../../models/vae/latents.ts";
import { VaeCodec } from "../../models/vae/vaeCodec.ts";
import type { DitRecipe } from "../../registry.ts";
import type { ClipRequest } from "../../sampling/samplingConfig.ts";
import { textToVideo } from "../../sampling/textToVideo.ts";
import { DitTask } from "../../train/ditTask.ts";
import { refuseOtherRecipe } from "../../train/runFolder.ts";
import { copyVae, loadVae } from "../../train/vaeFolder.ts";
import { latentsOf } from "./latentsOf.ts";
import { modelFactsOf, writeModelFacts } from "./modelFacts.ts";
import type { ClipStore } from "./openData.ts";
import { clipsSheet } from "./pictures.ts";
import { longClipsOf } from "./reach.ts";
import { runRecipe } from "./runRecipe.ts";
import { runStage } from "./runStage.ts";
import { spread } from "./spread.ts";
import { vaeDirOf } from "./trainVae.ts";

/** Clips in a sample picture when the recipe names none. */
const PICTURE_CLIPS = 4;

/** Trains a diffusion transformer on latents of the recipe's VAE. @returns the exit code if a signal ended it. */
export async function trainDit(
  recipe: Resolved<DitRecipe>,
  runDir: string,
  engine: Engine,
  clips: ClipPool<ClipStore>,
  allowChange: readonly string[] = [],
): Promise<{ readonly exitCode: number | undefined }> {
  const { dit, objective, packing, samples, seed, data, name } = recipe.value;
  const vae = await loadVae(vaeDirOf(recipe.value.vae.run));
  const codec = new VaeCodec(engine, vae.config, vae.weights, recipe.value.vae.chunkPixels);
  const model: LatentModel = {
    dit,
    latentChannels: vae.config.latentChannels,
    prediction: objective.prediction,
  };
  const facts = modelFactsOf(clips);
  const long = longClipsOf({ recipe: recipe.value, facts, vae });
  const statistics = partlyWhitened(vae.statistics, recipe.value.vae.whitening);
  const identity = runRecipe(recipe, engine, clips, { vae: vae.sha256 }, allowChange);
  await refuseOtherRecipe(runDir, identity);
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const vaeName = { sha256: vae.sha256, run: recipe.value.vae.run };
  const latents = await latentsOf(clips, codec, vaeName, { maxBadShare: data.maxBadShare, tell });
  try {
    const task = await DitTask.create({ model, latents, statistics, objective, packing, heldOut: data.heldOut, seed });
    const requests = samples.clips.length > 0 ? samples.clips : requestsLike(clips);
    const result = await runStage({
      title: `train ${name}`,
      dir: runDir,
      recipe: identity,
      task,
      ...recipe.value,
      engine,
      onOpen: async (run) => {
        await copyVae(vaeDirOf(recipe.value.vae.run), join(run.dir, "vae"));
        await writeModelFacts(run.dir, facts);
        for (const line of packingLines(task.packing)) tell(line);
        noteLongCaptions(clips.stores, dit.text);
        noteUnevenDraws(task.packing.draws);
      },
      drawSamples: (run) => async (step, weights) => {
        const drawn = await textToVideo({ engine, model, weights, codec, statistics, long }, requests, {
          ...samples,
          seed,
        });
        return [await clipsSheet(join(run.samplesDir, `step-${step}.png`), requests, drawn)];
      },
    });
    return { exitCode: result.exitCode };
  } finally {
    await latents.close();
  }
}

/** One line on how clips are packed, then what was cut or merged, which targets are missed and why there is a mask. */
function packingLines(packing: PackingDecision): string[] {
  const { cut, merged, explanations } = packing;
  return [
    packing.mode === "plans" ? plansLine(packing) : maskedLine(packing),
    ...(cut.length > 0 ? [`packing.longClips cut: clips of ${cut.length} grids lose their last frames`] : []),
    ...(merged.length > 0 ? [`packing.rare merge: clips of ${merged.length} grids are cropped`] : []),
    ...explanations,
  ];
}

function plansLine({ plans, fill, frequencyError }: PlannedPacking): string {
  const figures = `fill ${(100 * fill).toFixed(1)} %, frequency error ${frequencyError.toFixed(4)}`;
  return `${plans.length} plans: ${figures}; kinema inspect plan shows them`;
}

function maskedLine({ rows, tokens, maxClips }: MaskedPacking): string {
  return `masked packs: one program for ${tokens} tokens in rows of ${Math.floor(tokens / rows)}, at most ${maxClips} clips`;
}

/** Tells when captions are longer than the model reads: clips that differ in their ends alone are the same to it. */
function noteLongCaptions(datasets: readonly ClipStore[], text: DiTConfig["text"]): void {
  if (text.kind === "none") return;
  const captions = datasets.flatMap(({ entries }) => entries.map(({ caption }) => caption));
  const numCut = captions.filter((caption) => numCutOf(caption, text) > 0).length;
  if (numCut === 0) return;
  const many = `${numCut} of ${captions.length} captions`;
  process.stderr.write(`dit.text.maxTokens ${text.maxTokens}: the ends of ${many} are not read\n`);
}

/** Grids whose clips come so much more or less often than all clips do are told. */
const UNEVEN = 1.25;

/** Tells when the plans cannot draw all clips equally often: the epochs of their grids then drift apart. */
function noteUnevenDraws(draws: readonly GridDraw[]): void {
  const perEpoch = draws.map(({ grid, wanted, drawn }) => ({ key: gridKey(grid), times: drawn / wanted }));
  perEpoch.sort((a, b) => a.times - b.times);
  const [rarest, most] = [perEpoch[0], perEpoch.at(-1)];
  if (rarest === undefined || most === undefined || (rarest.times > 1 / UNEVEN && most.times < UNEVEN)) return;
  const [least, often] = [rarest, most].map(({ key, times }) => `those of ${key} tokens ${times.toFixed(2)} times`);
  process.stderr.write(
    `packing: while all clips come once, ${least} and ${often}; more packing.maxPlans draw more evenly\n`,
  );
}

/** Requests with the captions and sizes of a few clips of the data. */
function requestsLike({ entries }: ClipPool<ClipStore>): ClipRequest[] {
  return spread(entries, PICTURE_CLIPS).map(({ caption, frames, height, width }) => ({
    prompt: caption,
    frames,
    height,
    width,
  }));
}
