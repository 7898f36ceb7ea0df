import type { CommandModule } from "yargs";
import type { z } from "zod";
import { loadRecipe } from "../../config/recipe.ts";
import { sourceText } from "../../config/source.ts";
import { jsonOption, recipeArguments, say, sayJson } from "../command.ts";

interface ConfigOptions {
  recipe: string;
  overrides: string[];
  json: boolean;
}

/** `kinema inspect config`: the resolved tree of a recipe, with the source of each value. */
export function inspectConfigCommand(schema: z.ZodType<object>): CommandModule<object, ConfigOptions> {
  return {
    command: "config <recipe> [overrides..]",
    describe: "Print the resolved recipe, each value with where it came from",
    builder: (cli) =>
      recipeArguments(cli)
        .option("json", jsonOption)
        .example("$0 inspect config configs/tiny.yaml", "every value, its file and line")
        .example("$0 inspect config configs/tiny.yaml train.steps=10 --json", "the same for a script"),
    handler: ({ recipe, overrides, json }) => {
      const resolved = loadRecipe(recipe, overrides, schema);
      if (!json) {
        say(resolved.toYaml({ sources: true }).trimEnd());
        return;
      }
      const sources = [...resolved.sources].map(([key, source]) => [key, sourceText(source)]);
      sayJson({ file: recipe, value: resolved.value, sources: Object.fromEntries(sources) });
    },
  };
}
