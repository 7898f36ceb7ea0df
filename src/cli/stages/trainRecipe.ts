import { dirname, join, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import { loadRecipe, type Resolved } from "../../config/recipe.ts";
import type { ClipPool, PoolStore } from "../../data/mix/clipPool.ts";
import { createEngine } from "../../engine/createEngine.ts";
import type { Engine } from "../../engine/engine.ts";
import { type DitRecipe, type Recipe, recipeSchema, type VaeRecipe } from "../../registry.ts";
import { hasVae } from "../../train/vaeFolder.ts";
import { say } from "../command.ts";
import { openClips, openData } from "./openData.ts";
import { trainDit } from "./trainDit.ts";
import { trainVae, vaeDirOf } from "./trainVae.ts";

/** Where a recipe's run goes when the command line names no folder. */
export function defaultRunDir({ name }: Pick<Recipe, "name">): string {
  return join("experiments", name, "main");
}

export interface TrainWishes {
  /** The run's folder; the recipe's own when not given. */
  readonly runDir?: string | undefined;
  /** What may be another than when the run was started: see `RunRecipe.allowChange`. */
  readonly allowChange?: readonly string[];
}

/**
 * Trains a recipe from start to end, or from its last checkpoint; first the VAE that it needs, if that is not there.
 * @returns the exit code of the process: 0, or that of the signal that ended the run.
 */
export async function trainRecipe(
  file: string,
  overrides: readonly string[],
  { runDir, allowChange = [] }: TrainWishes = {},
): Promise<number> {
  const recipe = loadRecipe(file, overrides, recipeSchema);
  const dir = runDir ?? defaultRunDir(recipe.value);
  if (isDit(recipe)) {
    const code = await trainMissingVae(recipe, overrides);
    if (code !== 0) return code;
    const clips = await openClips(recipe.value.data);
    return onEngine(recipe, clips, async (engine) => {
      const { exitCode = 0 } = await trainDit(recipe, dir, engine, clips, allowChange);
      return exitCode;
    });
  }
  const clips = await openData(recipe.value.data);
  return onEngine(recipe, clips, async (engine) => {
    const stage = trainVae(recipe as Resolved<VaeRecipe>, dir, engine, clips, allowChange);
    const { exitCode = 0, reconstruction } = await stage;
    if (reconstruction !== undefined) {
      const { psnr, heldOut } = reconstruction;
      say(
        `${dir}: reconstruction ${psnr.toFixed(2)} dB PSNR, mean of ${reconstruction.clips} ${heldOut ? "held-out " : ""}clips`,
      );
    }
    return exitCode;
  });
}

/** Does work with a recipe's engine; closes that and the clips in the end. */
async function onEngine<T>(
  { value }: Resolved<Recipe>,
  clips: ClipPool<PoolStore>,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  try {
    const engine = await createEngine(value.engine);
    try {
      return await work(engine);
    } finally {
      await engine.dispose();
    }
  } finally {
    await clips.close();
  }
}

/** The VAE's recipe is its own, but it runs on the engine that the command line names. */
async function trainMissingVae({ file, value }: Resolved<DitRecipe>, overrides: readonly string[]): Promise<number> {
  const { run, recipe } = value.vae;
  if (recipe === undefined || (await hasVae(vaeDirOf(run)))) return 0;
  const vaeFile = join(dirname(file), recipe);
  const wanted = defaultRunDir(loadRecipe(vaeFile, [], recipeSchema).value);
  if (resolve(wanted) !== resolve(run)) {
    throw new UserError("vae.recipe", { expected: `a recipe that trains into ${run}`, got: `${recipe}: ${wanted}` });
  }
  return trainRecipe(
    vaeFile,
    overrides.filter((override) => override.startsWith("engine.")),
    { runDir: run },
  );
}

function isDit(recipe: Resolved<Recipe>): recipe is Resolved<DitRecipe> {
  return recipe.value.kind === "dit";
}
