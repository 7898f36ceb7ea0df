import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { loadRecipe } from "../../config/recipe.ts";
import { type Recipe, recipeSchema } from "../../registry.ts";

const LIBRARY_KEY = "engine.cudaLibrary";

/**
 * The recipe that a run's folder was trained with. The folder may come from a stranger, so its config.yaml must not name
 * a library to load: machine code runs as soon as it is loaded.
 * @param overrides changes to it, such as `engine.kind=cpu`.
 * @throws UserError when the folder holds no sound recipe, or one that names a library which the user has not named too.
 */
export function recipeOfRun(runDir: string, overrides: readonly string[]): Recipe {
  const file = join(runDir, "config.yaml");
  const { value, sources } = loadRecipe(file, overrides, recipeSchema);
  const { engine } = value;
  const library = "cudaLibrary" in engine ? engine.cudaLibrary : undefined;
  const isFromFolder = sources.get(LIBRARY_KEY)?.kind === "file";
  if (library === undefined || !isFromFolder || process.env.KINEMA_CUDA_LIBRARY === library) return value;
  throw new UserError(`${file} ${LIBRARY_KEY}`, {
    expected: "no library that a run's folder names, since loading one runs its code",
    got: library,
    try: "KINEMA_CUDA_LIBRARY with the same path in the environment, if you trust that library",
  });
}
