import type { JsonObject } from "../../base/json.ts";
import type { Resolved } from "../../config/recipe.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Recipe } from "../../registry.ts";
import type { RunRecipe } from "../../train/runFolder.ts";

/** Keys that change how a run is computed or shown, or where its data lie, but none of its numbers beyond rounding. */
const MAY_CHANGE = [
  "config.engine",
  "config.data.dir",
  "config.train.lanes",
  "config.train.logEvery",
  "config.train.checkpointEvery",
  "config.train.keep",
  "config.train.sampleEvery",
  "config.train.maxBadSteps",
  "config.samples",
  "config.vae.run",
  "config.vae.recipe",
];

/** What makes a run of this recipe the same run: its resolved configuration, and what it learns from. */
export function runRecipe(recipe: Resolved<Recipe>, engine: Engine, sources: JsonObject): RunRecipe {
  const config = JSON.parse(JSON.stringify(recipe.value)) as JsonObject;
  return {
    configYaml: recipe.toYaml(),
    identity: { config, ...sources },
    mayChange: MAY_CHANGE,
    facts: { recipe: recipe.file, engine: engine.kind },
  };
}
