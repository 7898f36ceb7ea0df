import { join } from "node:path";
import { makeFolder } from "../../base/files.ts";
import { isHeldOut } from "../../data/heldOut.ts";
import type { ShapesConfig } from "../../data/shapes/world.ts";
import { createEngine } from "../../engine/createEngine.ts";
import type { EngineKind } from "../../engine/engineConfig.ts";
import { reportReconstruction } from "../../evaluation/reconstructionReport.ts";
import { VaeCodec } from "../../models/vae/vaeCodec.ts";
import type { DataConfig, VaeRecipe } from "../../registry.ts";
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
import { samplingWith } from "./samplingWith.ts";
import { spread } from "./spread.ts";
import { vaeDirOf } from "./trainVae.ts";
import { withProgress } from "./withProgress.ts";

export interface EvaluateRunOptions {
  /** Clips drawn of each split of the world. */
  readonly prompts: number;
  readonly seed: number;
  readonly weights: "ema" | "model";
  readonly engine: EngineKind | undefined;
  /** Sampling steps and guidance; undefined: the recipe's. */
  readonly steps: number | undefined;
  readonly cfg: number | undefined;
}

/** Clips that a VAE is measured on, at most. */
const VAE_CLIPS = 200;

/** Measures a run of either kind. @throws UserError when the folder is no run, or its dataset is gone. */
export async function evaluateRun(runDir: string, options: EvaluateRunOptions): Promise<Evaluation> {
  await readRunConfig(runDir);
  const overrides = options.engine === undefined ? [] : [`engine={ kind: ${options.engine} }`];
  const recipe = recipeOfRun(runDir, overrides);
  if (recipe.kind === "vae") return evaluateVae(runDir, recipe);
  const model = await openModel(runDir, options.weights, overrides);
  const dataset = await openData(recipe.data);
  try {
    const drawing = { seed: options.seed, ...samplingWith(recipe.samples, options) };
    const parts = await evaluateModel(model, dataset, worldOf(recipe.data), { ...drawing, prompts: options.prompts });
    const requests = contactRequests(dataset, model.facts.grids);
    const clips = await drawMany(model, requests, drawing);
    await makeFolder(join(runDir, EVALUATION));
    await clipsSheet(evaluationPath(runDir, model.step, ".png"), requests, clips);
    return { run: runDir, step: model.step, ...parts };
  } finally {
    await dataset.close();
    await model.engine.dispose();
  }
}

/** The shapes world among the data, the first of several. */
function worldOf(data: DataConfig): ShapesConfig | undefined {
  const sources = data.kind === "mix" ? data.sources : [data];
  return sources.find((source) => source.kind === "shapes")?.world;
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
