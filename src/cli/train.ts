import type { CommandModule } from "yargs";
import { recipeArguments } from "./command.ts";
import { trainRecipe } from "./stages/trainRecipe.ts";

interface TrainOptions {
  recipe: string;
  overrides: string[];
  "run-dir": string | undefined;
  "allow-change": string[];
}

/** `kinema train`: trains a recipe, resuming what was begun. */
export const trainCommand: CommandModule<object, TrainOptions> = {
  command: "train <recipe> [overrides..]",
  describe: "Train a recipe; goes on from the last checkpoint of its run folder",
  builder: (cli) =>
    recipeArguments(cli)
      .option("run-dir", { type: "string", describe: "the run's folder [default: experiments/<name>/main]" })
      .option("allow-change", {
        type: "string",
        array: true,
        nargs: 1,
        default: [],
        describe: "go on although this key, data, vae or code has changed; may be repeated",
      })
      .example("$0 train configs/tiny.yaml", "about 20 seconds; again, and it finds itself done")
      .example("$0 train configs/tiny.yaml train.steps=500 --run-dir /tmp/run", "longer, elsewhere")
      .example("$0 train configs/tiny.yaml optim.lr=1e-4 --allow-change optim.lr", "from here on with another rate"),
  handler: async ({ recipe, overrides, "run-dir": runDir, "allow-change": allowChange }) => {
    process.exitCode = await trainRecipe(recipe, overrides, { runDir, allowChange });
  },
};
