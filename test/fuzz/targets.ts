import type { OpenTarget } from "./target.ts";
import { openCaptions } from "./targets/captions.ts";
import { openArrow, openManifest } from "./targets/dataset.ts";
import { openMedia } from "./targets/media.ts";
import { openParquet } from "./targets/parquet.ts";
import {
  openCheckpoint,
  openHistogram,
  openLog,
  openModelFacts,
  openRunFile,
  openState,
  openVae,
} from "./targets/runFiles.ts";
import { openSafetensors } from "./targets/safetensors.ts";
import { openRecipe, openYaml } from "./targets/yaml.ts";

/** Every reader of files that may come from strangers. */
export const targets: Readonly<Record<string, OpenTarget>> = {
  safetensors: openSafetensors,
  arrow: openArrow,
  manifest: openManifest,
  yaml: openYaml,
  recipe: openRecipe,
  captions: openCaptions,
  checkpoint: openCheckpoint,
  state: openState,
  run: openRunFile,
  log: openLog,
  data: openModelFacts,
  vae: openVae,
  histogram: openHistogram,
  parquet: openParquet,
  media: openMedia,
};
