import { hideBin } from "yargs/helpers";
import { type Command, runProgram } from "./program.ts";

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
  {
    name: "inspect",
    describe: "Show what a recipe resolves to, and how its clips are packed",
    mount: async (cli) => {
      const { inspectCommand } = await import("./inspect.ts");
      const { recipeSchema } = await import("../registry.ts");
      return cli.command(inspectCommand(recipeSchema));
    },
  },
  {
    name: "engine",
    describe: "List the engines, measure or install one",
    mount: async (cli) => cli.command((await import("./engine.ts")).engineCommand),
  },
];

const code = await runProgram(hideBin(process.argv), commands);
if (code !== 0) process.exit(code);
