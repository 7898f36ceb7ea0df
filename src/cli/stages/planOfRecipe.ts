import { dirname, join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { loadRecipe, type Resolved } from "../../config/recipe.ts";
import { trainingClips } from "../../data/mix/trainingClips.ts";
import { latentGrid, type VaeConfig, vaeFactor } from "../../models/vae/vaeConfig.ts";
import { type DitRecipe, recipeSchema } from "../../registry.ts";
import { type PackedClips, packClips } from "../../train/packClips.ts";
import { hasVae, readVaeFacts } from "../../train/vaeFolder.ts";
import { openData } from "./openData.ts";
import { vaeDirOf } from "./trainVae.ts";

/**
 * How a recipe's clips are packed, from the dataset's index and the sizes of the VAE's latents alone: nothing is
 * trained or encoded. A shapes world is made when it is not there.
 * @throws UserError when the recipe is not of a transformer, or its clips cannot be packed.
 */
export async function planOfRecipe(file: string, overrides: readonly string[]): Promise<PackedClips> {
  const recipe = loadRecipe(file, overrides, recipeSchema);
  if (recipe.value.kind !== "dit") {
    throw new UserError(file, { expected: "a recipe of kind dit", got: recipe.value.kind });
  }
  const { data, dit, packing } = recipe.value;
  const vae = await vaeConfigOf(recipe as Resolved<DitRecipe>);
  const clips = await openData(data);
  try {
    const model = { dit, latentChannels: vae.latentChannels };
    return await packClips(trainingClips(clips, data.heldOut), model, packing, ({ grid, source }) =>
      latentGrid(grid, vaeFactor(vae), `vae for ${source}`),
    );
  } finally {
    await clips.close();
  }
}

/** The VAE's configuration: that of the trained one, else that of its recipe. */
async function vaeConfigOf({ file, value }: Resolved<DitRecipe>): Promise<VaeConfig> {
  const dir = vaeDirOf(value.vae.run);
  const { recipe } = value.vae;
  if (recipe === undefined || (await hasVae(dir))) return (await readVaeFacts(dir)).config;
  const vae = loadRecipe(join(dirname(file), recipe), [], recipeSchema).value;
  if (vae.kind !== "vae") throw new UserError("vae.recipe", { expected: "a recipe of kind vae", got: vae.kind });
  return vae.vae;
}
