import type { CommandModule } from "yargs";
import { z } from "zod";
import { loadRecipe } from "../../config/recipe.ts";
import { recipeSchema } from "../../registry.ts";
import { measureLoading } from "../bench/loading.ts";
import { jsonOption, recipeArguments, say, sayJson } from "../command.ts";
import { openData } from "../stages/openData.ts";
import { openTask } from "../stages/openTask.ts";
import { withProgress } from "../stages/withProgress.ts";
import { parseOptions } from "./options.ts";

const checkedOptions = z.strictObject({ batches: z.int().min(100), stepMs: z.number().min(0) });

interface BenchOptions {
  recipe: string;
  overrides: string[];
  batches: number;
  "step-ms": number;
  json: boolean;
}

/** `kinema data bench`: reads a recipe's batches as training does, without training. */
export const benchCommand: CommandModule<object, BenchOptions> = {
  command: "bench <recipe> [overrides..]",
  describe: "Measure how fast a recipe's batches are made, and whether memory stays flat",
  builder: (cli) =>
    recipeArguments(cli)
      .option("batches", { type: "number", default: 500, describe: "batches to take, 100 or more" })
      .option("step-ms", { type: "number", default: 0, describe: "pause after each step, as if it were computed" })
      .option("json", jsonOption)
      .example("$0 data bench configs/tiny-vae.yaml loader.workers=2", "as fast as they come")
      .example("$0 data bench configs/quickstart.yaml --step-ms 100", "the wait beside steps of 100 ms"),
  handler: async ({ recipe: file, overrides, batches, "step-ms": stepMs, json }) => {
    parseOptions(checkedOptions, { batches, stepMs });
    const { value: recipe } = loadRecipe(file, overrides, recipeSchema);
    const { loader, train } = recipe;
    const clips = await openData(recipe.data);
    try {
      const { task, close } = await openTask(recipe, clips);
      const numSteps = Math.ceil(batches / train.accumulate);
      const result = await withProgress("bench", numSteps, (onStep) =>
        measureLoading(task, { loader, numSteps, numParts: train.accumulate, stepMs, onStep }),
      ).finally(close);
      if (json) {
        sayJson({ recipe: file, ...loader, ...result });
        return;
      }
      const { batchesPerSecond, clipsPerSecond, mbPerSecond, firstMs, dataWait } = result;
      const { rssMb, rssSlope, rssSlopeError } = result;
      say(
        `${batchesPerSecond.toFixed(1)} batches/s  ${clipsPerSecond.toFixed(1)} clips/s  ${mbPerSecond.toFixed(1)} MB/s`,
      );
      say(`first batches after ${firstMs.toFixed(0)} ms; data wait ${(100 * dataWait).toFixed(1)} %`);
      say(
        `memory ${rssMb.toFixed(0)} MB, ${rssSlope.toFixed(1)} +- ${rssSlopeError.toFixed(1)} MB more per 1,000 batches`,
      );
    } finally {
      await clips.close();
    }
  },
};
