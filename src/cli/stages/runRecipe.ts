import type { JsonObject } from "../../base/json.ts";
import type { Resolved } from "../../config/recipe.ts";
import type { ClipPool, PoolStore } from "../../data/mix/clipPool.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Recipe } from "../../registry.ts";
import type { RunRecipe } from "../../train/runFolder.ts";

/**
 * Keys that change how a run is computed or shown, or where its data lie and come from, but none of its numbers beyond
 * rounding: what the data are is told by their fingerprints.
 */
const MAY_CHANGE = [
  "config.engine",
  "config.loader",
  ...["kind", "dir", "world", "maxBadShare"].map((key) => `config.data.${key}`),
  "config.train.lanes",
  "config.train.logEvery",
  "config.train.checkpointEvery",
  "config.train.keep",
  "config.train.keepEvery",
  "config.train.keepBest",
  "config.train.keepBestBy",
  "config.train.sampleEvery",
  "config.samples",
  "config.vae.run",
  "config.vae.recipe",
  "config.vae.chunkPixels",
];

/** Hexadecimal digits that tell one dataset from another. */
const FINGERPRINT_DIGITS = 16;

/**
 * What makes a run of this recipe the same run: its resolved configuration, and what it learns from.
 * @param more hashes of further things that it learns from, such as the VAE.
 * @param allowChange what may be another than when the run was started, as `--allow-change` names it.
 */
export function runRecipe(
  recipe: Resolved<Recipe>,
  engine: Engine,
  data: ClipPool<PoolStore>,
  more: JsonObject = {},
  allowChange: readonly string[] = [],
): RunRecipe {
  const config = JSON.parse(JSON.stringify(recipe.value)) as JsonObject;
  const datasets = data.stores.map(({ shards, clipsFingerprint }) => ({
    clips: shards.entries.length,
    fingerprint: clipsFingerprint.slice(0, FINGERPRINT_DIGITS),
  }));
  const isMix = recipe.value.data.kind === "mix";
  return {
    configYaml: recipe.toYaml(),
    identity: { data: isMix ? { sources: datasets } : (datasets[0] ?? null), config, ...more },
    mayChange: [
      ...MAY_CHANGE,
      ...datasets.flatMap((_, i) => ["kind", "dir", "world"].map((key) => `config.data.sources.${i}.${key}`)),
    ],
    names: Object.fromEntries(
      data.stores.map(({ dir }, i) => [isMix ? `data.sources.${i}` : "data", `dataset ${dir}`]),
    ),
    allowChange,
    facts: { recipe: recipe.file, engine: engine.kind },
  };
}
