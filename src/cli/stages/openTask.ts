import type { Dataset } from "../../data/dataset.ts";
import type { ClipPool } from "../../data/mix/clipPool.ts";
import { partlyWhitened } from "../../models/vae/latents.ts";
import type { DitRecipe, Recipe } from "../../registry.ts";
import { DitTask } from "../../train/ditTask.ts";
import type { Task } from "../../train/task.ts";
import { loadVae } from "../../train/vaeFolder.ts";
import { VaeTask } from "../../train/vaeTask.ts";
import { presentLatents } from "./latentsOf.ts";
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
  const latents = await presentLatents(clips, { sha256: vae.sha256, run: recipe.vae.run });
  try {
    const model = { dit, latentChannels: vae.config.latentChannels, prediction: objective.prediction };
    const statistics = partlyWhitened(vae.statistics, recipe.vae.whitening);
    const task = await DitTask.create({ model, latents, statistics, objective, packing, heldOut: data.heldOut, seed });
    return { task, close: () => latents.close() };
  } catch (error) {
    await latents.close();
    throw error;
  }
}
