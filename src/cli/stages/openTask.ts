import { UserError } from "../../base/errors.ts";
import { namesIn } from "../../base/files.ts";
import type { Dataset } from "../../data/dataset.ts";
import { type LatentSet, openLatents } from "../../data/latents.ts";
import { ClipPool } from "../../data/mix/clipPool.ts";
import { partlyWhitened } from "../../models/vae/latents.ts";
import type { DitRecipe, Recipe } from "../../registry.ts";
import { DitTask } from "../../train/ditTask.ts";
import { latentDir } from "../../train/latentCache.ts";
import type { Task } from "../../train/task.ts";
import { loadVae } from "../../train/vaeFolder.ts";
import { VaeTask } from "../../train/vaeTask.ts";
import { vaeDirOf } from "./trainVae.ts";

/** A task whose batches can be drawn. Close it in the end. */
export interface OpenTask {
  readonly task: Task;
  close(): Promise<void>;
}

/**
 * The task that a recipe trains, without anything that computes.
 * @throws UserError when the VAE or the latents that it needs are not there.
 */
export async function openTask(recipe: Recipe, clips: ClipPool<Dataset>): Promise<OpenTask> {
  if (recipe.kind === "dit") return openDitTask(recipe, clips);
  const { vae, loss, batch, augment, seed, data } = recipe;
  const task = new VaeTask({ vae, loss, batch, augment, clips, heldOut: data.heldOut, seed });
  return { task, close: async () => undefined };
}

async function openDitTask(recipe: DitRecipe, clips: ClipPool<Dataset>): Promise<OpenTask> {
  const { dit, objective, packing, seed, data } = recipe;
  const vae = await loadVae(vaeDirOf(recipe.vae.run));
  const sets: LatentSet[] = [];
  try {
    for (const dataset of clips.stores) sets.push(await latentsOf(dataset, vae.sha256, recipe.vae.run));
    const latents = new ClipPool(sets, clips.mix);
    const model = { dit, latentChannels: vae.config.latentChannels, prediction: objective.prediction };
    const statistics = partlyWhitened(vae.statistics, recipe.vae.whitening);
    const task = await DitTask.create({ model, latents, statistics, objective, packing, heldOut: data.heldOut, seed });
    return { task, close: () => latents.close() };
  } catch (error) {
    for (const set of sets) await set.close();
    throw error;
  }
}

async function latentsOf(dataset: Dataset, vaeSha256: string, run: string): Promise<LatentSet> {
  const dir = latentDir(dataset, vaeSha256);
  if ((await namesIn(dir)).length > 0) return openLatents(dir);
  throw new UserError(dataset.dir, {
    expected: `its latents of the VAE in ${run}`,
    got: "none",
    try: `\`kinema data encode ${dataset.dir} --vae ${run}\``,
  });
}
