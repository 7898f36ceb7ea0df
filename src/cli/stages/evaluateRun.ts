import { join } from "node:path";
import { makeFolder } from "../../base/files.ts";
import { isHeldOut } from "../../data/heldOut.ts";
import { createEngine } from "../../engine/createEngine.ts";
import { reportReconstruction } from "../../evaluation/reconstructionReport.ts";
import { VaeCodec } from "../../models/vae/vaeCodec.ts";
import type { VaeRecipe } from "../../registry.ts";
import { drawMany } from "../../sampling/drawMany.ts";
import { readRunConfig } from "../../train/runFolder.ts";
import { loadVae } from "../../train/vaeFolder.ts";
import { contactRequests } from "./contactRequests.ts";
import { evaluateModel } from "./evaluateModel.ts";
import type { Evaluation } from "./evaluation.ts";
import { EVALUATION, evaluationPath } from "./evaluationFiles.ts";
import { openData } from "./openData.ts";
import { openModel } from "./openModel.ts";
import { clipsSheet } from "./pictures.ts";
import { recipeOfRun } from "./recipeOfRun.ts";
import { runOverrides } from "./runOverrides.ts";
import { samplingWith } from "./samplingWith.ts";
import { spread } from "./spread.ts";
import { vaeDirOf } from "./trainVae.ts";
import { withProgress } from "./withProgress.ts";
import type { MeasureOptions } from "./worldModel.ts";
import { worldOf } from "./worldPrompts.ts";

export interface EvaluateRunOptions extends MeasureOptions {
  /** Clips drawn of each split of the world. */
  readonly prompts: number;
}

/** Clips that a VAE is measured on, at most. */
const VAE_CLIPS = 200;

/** Measures a run of either kind. @throws UserError when the folder is no run, or its dataset is gone. */
export async function evaluateRun(runDir: string, options: EvaluateRunOptions): Promise<Evaluation> {
  await readRunConfig(runDir);
  const overrides = runOverrides(options.overrides, options.engine);
  const recipe = recipeOfRun(runDir, overrides);
  if (recipe.kind === "vae") return evaluateVae(runDir, recipe);
  const model = await openModel(runDir, options.weights, overrides);
  const dataset = await openData(recipe.data);
  try {
    const sampling = samplingWith(recipe.samples, options);
    const drawing = { seed: options.seed, ...sampling };
    const parts = await evaluateModel(model, dataset, worldOf(recipe.data), { ...drawing, prompts: options.prompts });
    const requests = contactRequests(dataset, model.facts.grids);
    const clips = await drawMany(model, requests, drawing);
    await makeFolder(join(runDir, EVALUATION));
    await clipsSheet(evaluationPath(runDir, model.step, ".png"), requests, clips);
    return { run: runDir, step: model.step, sampling, ...parts };
  } finally {
    await dataset.close();
    await model.engine.dispose();
  }
}

async function evaluateVae(runDir: string, { data, engine: cfg, train }: VaeRecipe): Promise<Evaluation> {
  const { config, weights } = await loadVae(vaeDirOf(runDir));
  const dataset = await openData(data);
  const engine = await createEngine(cfg);
  try {
    const unseen = dataset.entries.filter(({ hash }) => isHeldOut(hash, data.heldOut));
    const shown = spread(unseen.length > 0 ? unseen : dataset.entries, VAE_CLIPS);
    const codec = new VaeCodec(engine, config, weights);
    const vae = await withProgress("reconstruct", shown.length, (update) =>
      reportReconstruction(codec, dataset, shown, update),
    );
    return { run: runDir, step: train.steps, vae };
  } finally {
    await dataset.close();
    await engine.dispose();
  }
}
