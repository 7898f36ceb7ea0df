import { UserError } from "../../base/errors.ts";
import type { ShapesConfig } from "../../data/shapes/world.ts";
import type { EngineKind } from "../../engine/engineConfig.ts";
import type { DrawOptions } from "../../sampling/textToVideo.ts";
import { type KnownModel, loadModel, type OpenModel, readModel } from "./openModel.ts";
import { runOverrides } from "./runOverrides.ts";
import { samplingWith } from "./samplingWith.ts";
import { worldOf } from "./worldPrompts.ts";

/** How a run is measured: from which weights, and how clips are drawn. */
export interface MeasureOptions {
  readonly seed: number;
  readonly weights: "ema" | "model";
  readonly engine: EngineKind | undefined;
  /** Changes to the run's recipe, `key.path=value` each. */
  readonly overrides: readonly string[];
  /** Sampling steps and guidance; undefined: the recipe's. */
  readonly steps: number | undefined;
  readonly cfg: number | undefined;
}

/** A model of the shapes world, and how it is drawn from. */
export interface WorldModel {
  readonly model: OpenModel;
  readonly world: ShapesConfig;
  readonly drawing: DrawOptions;
}

/**
 * Opens a run that draws the shapes world from text, for as long as `work` takes.
 * @param flag that asks for it, for errors.
 * @param check throws when the model cannot be measured so, before weights are loaded.
 * @throws UserError when the run is of something else.
 */
export async function withWorldModel<T>(
  runDir: string,
  flag: string,
  options: MeasureOptions,
  check: (known: KnownModel, world: ShapesConfig) => void,
  work: (opened: WorldModel) => Promise<T>,
): Promise<T> {
  const known = await readModel(runDir, runOverrides(options.overrides, options.engine));
  const world = worldOf(known.recipe.data);
  if (world === undefined) {
    const expected = "a run whose data are the shapes world, the only one that the judge reads";
    throw new UserError(flag, { expected, got: known.recipe.data.kind });
  }
  if (known.recipe.dit.text.kind === "none") {
    throw new UserError(flag, { expected: "a model that reads text", got: "one trained without" });
  }
  const drawing = { seed: options.seed, ...samplingWith(known.recipe.samples, options) };
  check(known, world);
  const model = await loadModel(known, options.weights);
  try {
    return await work({ model, world, drawing });
  } finally {
    await model.codec.dispose();
    await model.engine.dispose();
  }
}
