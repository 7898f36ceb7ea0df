import { UserError } from "../../base/errors.ts";
import { namesIn } from "../../base/files.ts";
import { canonicalJson, type JsonObject } from "../../base/json.ts";
import { type Dataset, openDataset } from "../../data/dataset.ts";
import { buildShapes } from "../../data/shapes/build.ts";
import type { DataConfig } from "../../registry.ts";
import { withProgress } from "./withProgress.ts";

/**
 * The dataset that a recipe names; a shapes world is made on first use.
 * @throws UserError when it is missing, or the folder holds another world than the recipe's.
 */
export async function openData(data: DataConfig): Promise<Dataset> {
  if (data.kind === "folder") return openDataset(data.dir);
  const { dir, world } = data;
  if ((await namesIn(dir)).length === 0) {
    await withProgress(`making ${dir}`, world.clips, (onProgress) => buildShapes(dir, world, { onProgress }));
  }
  const dataset = await openDataset(dir);
  const { made } = dataset.manifest;
  if (made.command !== "data shapes" || canonicalJson(made.options as JsonObject) !== canonicalJson(world)) {
    throw new UserError(dir, {
      expected: "the shapes world of data.world",
      got: "a dataset made otherwise",
      try: "another data.dir, or delete this folder",
    });
  }
  return dataset;
}
