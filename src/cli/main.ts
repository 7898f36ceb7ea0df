import { hideBin } from "yargs/helpers";
import type { PlanOfRecipe } from "./inspect/plan.ts";
import { type Command, commandGroup, runProgram } from "./program.ts";

/**
 * Every command, in the order of `kinema --help`. Only the module of the chosen one is imported, here and nowhere else
 * by `import()`, so that `--help` is quick and command files import what they need like any other file.
 */
const commands: readonly Command[] = [
  {
    name: "data",
    describe: "Make, inspect and check datasets",
    mount: async (cli) => cli.command((await import("./data.ts")).dataCommand),
  },
  {
    name: "train",
    describe: "Train a recipe",
    mount: async (cli) => cli.command((await import("./train.ts")).trainCommand),
  },
  {
    name: "sample",
    describe: "Draw clips from a trained model",
    mount: async (cli) => cli.command((await import("./sample.ts")).sampleCommand),
  },
  {
    name: "evaluate",
    describe: "Measure a trained model",
    mount: async (cli) => cli.command((await import("./evaluate.ts")).evaluateCommand),
  },
  {
    name: "quickstart",
    describe: "Train a small model from nothing and draw clips with it",
    mount: async (cli) => cli.command((await import("./quickstart.ts")).quickstartCommand),
  },
  commandGroup("inspect", "Show what a recipe resolves to, how its clips are packed; what checkpoints hold", [
    {
      name: "config",
      describe: "Print the resolved recipe, each value with where it came from",
      mount: async (cli) => {
        const { inspectConfigCommand } = await import("./inspect/config.ts");
        const { recipeSchema } = await import("../registry.ts");
        return cli.command(inspectConfigCommand(recipeSchema));
      },
    },
    {
      name: "plan",
      describe: "Draw the plans that a recipe's clips are packed by",
      mount: async (cli) => {
        const { inspectPlanCommand } = await import("./inspect/plan.ts");
        const planOfRecipe: PlanOfRecipe = async (file, overrides) =>
          (await import("./stages/planOfRecipe.ts")).planOfRecipe(file, overrides);
        return cli.command(inspectPlanCommand(planOfRecipe));
      },
    },
    {
      name: "graph",
      describe: "Print compiled programs, and what of them a GPU cannot compute",
      mount: async (cli) => cli.command((await import("./inspect/graph.ts")).inspectGraphCommand),
    },
    {
      name: "checkpoint",
      describe: "Show what a checkpoint holds, and whether it verifies",
      mount: async (cli) => cli.command((await import("./inspect/checkpoint.ts")).inspectCheckpointCommand),
    },
    {
      name: "diff",
      describe: "Compare two checkpoints: configs, weights and states",
      mount: async (cli) => cli.command((await import("./inspect/diff.ts")).inspectDiffCommand),
    },
  ]),
  {
    name: "engine",
    describe: "List the engines, measure or install one",
    mount: async (cli) => cli.command((await import("./engine.ts")).engineCommand),
  },
];

const code = await runProgram(hideBin(process.argv), commands);
if (code !== 0) process.exit(code);
