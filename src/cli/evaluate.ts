import type { CommandModule } from "yargs";
import { UserError } from "../base/errors.ts";
import { engineKinds } from "../engine/engineConfig.ts";
import { jsonOption, say, sayJson } from "./command.ts";
import { type EvaluateRunOptions, evaluateRun } from "./stages/evaluateRun.ts";
import { showEvaluation, writeEvaluation } from "./stages/evaluationFiles.ts";

interface EvaluateOptions extends EvaluateRunOptions {
  readonly run: string;
  readonly json: boolean;
}

/** `kinema evaluate`: measures a trained model. */
export const evaluateCommand: CommandModule<object, EvaluateOptions> = {
  command: "evaluate <run>",
  describe: "Measure a trained model: adherence to prompts, reconstruction, loss, likeness to the data",
  builder: (cli) =>
    cli
      .positional("run", {
        type: "string",
        demandOption: true,
        describe: "the run's folder, of a VAE or a transformer",
      })
      .option("prompts", {
        type: "number",
        default: 256,
        describe: "clips drawn; of a world with a split, of each part",
      })
      .option("seed", { type: "number", default: 0, describe: "another seed, other prompts and noise" })
      .option("weights", { choices: ["ema", "model"], default: "ema", describe: "averaged or raw weights" } as const)
      .option("engine", { choices: engineKinds, describe: "what computes [default: the run's]" } as const)
      .option("steps", { type: "number", describe: "steps from noise to clip [default: the recipe's]" })
      .option("cfg", { type: "number", describe: "guidance scale, 1 is none [default: the recipe's]" })
      .option("json", jsonOption)
      .example("$0 evaluate experiments/quickstart/main", "tables, and the figures in the run's evaluation/")
      .example("$0 evaluate RUN --prompts 64 --json", "a quicker look, for a script"),
  handler: async (options) => {
    check("prompts", options.prompts, 1);
    check("seed", options.seed, 0);
    if (options.steps !== undefined) check("steps", options.steps, 1);
    const result = await evaluateRun(options.run, options);
    const path = await writeEvaluation(options.run, result);
    if (options.json) sayJson(result);
    else say(`${showEvaluation(result)}\n\n${path}`);
  },
};

function check(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new UserError(`--${name}`, { expected: `one whole number, at least ${least}`, got: String(value) });
}
