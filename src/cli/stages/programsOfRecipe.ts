import { loadRecipe } from "../../config/recipe.ts";
import type { ProgramSource } from "../../engine/compile.ts";
import type { EngineConfig } from "../../engine/engineConfig.ts";
import { recipeSchema } from "../../registry.ts";
import { FlatLayout } from "../../train/flatState.ts";
import { gradientSource } from "../../train/gradientProgram.ts";
import type { Arrangement } from "../../train/task.ts";
import { openData } from "./openData.ts";
import { openTask } from "./openTask.ts";

/** Batches that are drawn to see which arrangements come. */
const DRAWS = 64;

/** The gradient programs that training a recipe compiles, those of its first batches, and the engine that it names. */
export async function programsOfRecipe(
  file: string,
  overrides: readonly string[],
): Promise<{ readonly sources: readonly ProgramSource[]; readonly engine: EngineConfig }> {
  const recipe = loadRecipe(file, overrides, recipeSchema).value;
  const clips = await openData(recipe.data);
  try {
    const { task, close } = await openTask(recipe, clips);
    try {
      const arrangements = new Map<string, Arrangement>();
      for (let step = 1; step <= DRAWS; step++) {
        const { arrangement } = task.draw({ step, part: 0 });
        arrangements.set(arrangement.key, arrangement);
      }
      const layout = new FlatLayout(task.params);
      const scaled = recipe.engine.precision === "f16";
      const sources = [...arrangements.values()].map((arrangement) => gradientSource(layout, arrangement, scaled));
      return { sources, engine: recipe.engine };
    } finally {
      await close();
    }
  } finally {
    await clips.close();
  }
}
