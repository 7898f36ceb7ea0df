import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { createEngine } from "../../engine/createEngine.ts";
import { partlyWhitened } from "../../models/vae/latents.ts";
import { VaeCodec } from "../../models/vae/vaeCodec.ts";
import type { DitRecipe } from "../../registry.ts";
import type { VideoModel } from "../../sampling/textToVideo.ts";
import { loadCheckpoint } from "../../train/checkpoint.ts";
import { readRunConfig } from "../../train/runFolder.ts";
import { loadVae, readVaeFacts, type VaeFacts } from "../../train/vaeFolder.ts";
import { type ModelFacts, readModelFacts } from "./modelFacts.ts";
import { longClipsOf } from "./reach.ts";
import { recipeOfRun } from "./recipeOfRun.ts";

/** What is known of a run's model without its weights: enough to refuse what it cannot do. */
export interface KnownModel {
  readonly runDir: string;
  readonly recipe: DitRecipe;
  readonly facts: ModelFacts;
  readonly vae: VaeFacts;
}

/** A run's model, ready to draw clips, with what is known of it. */
export interface OpenModel extends VideoModel, KnownModel {
  /** Step of the checkpoint. */
  readonly step: number;
}

/**
 * @param overrides changes to the run's configuration, such as `engine.kind=cpu`.
 * @throws UserError when the folder is not the run of a diffusion transformer.
 */
export async function readModel(runDir: string, overrides: readonly string[] = []): Promise<KnownModel> {
  await readRunConfig(runDir);
  const recipe = recipeOfRun(runDir, overrides);
  if (recipe.kind !== "dit") {
    throw new UserError(runDir, { expected: "the run of a diffusion transformer", got: `one of kind ${recipe.kind}` });
  }
  return { runDir, recipe, facts: await readModelFacts(runDir), vae: await readVaeFacts(join(runDir, "vae")) };
}

/**
 * Loads the newest checkpoint of a run.
 * @param weights `ema`: averaged, the better ones; `model`: as trained.
 * @throws UserError when there is no checkpoint yet.
 */
export async function loadModel(known: KnownModel, weights: "ema" | "model"): Promise<OpenModel> {
  const { runDir, recipe } = known;
  const vae = await loadVae(join(runDir, "vae"));
  const { tensors, step, damaged } = await loadCheckpoint(runDir, { which: [weights] });
  for (const { reason } of damaged) process.stderr.write(`passed over: ${reason}\n`);
  const engine = await createEngine(recipe.engine);
  return {
    ...known,
    step,
    engine,
    model: { dit: recipe.dit, latentChannels: vae.config.latentChannels, prediction: recipe.objective.prediction },
    weights: tensors[weights],
    codec: new VaeCodec(engine, vae.config, vae.weights, recipe.vae.chunkPixels),
    statistics: partlyWhitened(vae.statistics, recipe.vae.whitening),
    long: longClipsOf(known),
  };
}

/** Both in one: see `readModel` and `loadModel`. */
export async function openModel(
  runDir: string,
  weights: "ema" | "model",
  overrides: readonly string[] = [],
): Promise<OpenModel> {
  return loadModel(await readModel(runDir, overrides), weights);
}
