import type { CommandModule } from "yargs";
import { UserError } from "../base/errors.ts";
import { engineKinds } from "../engine/engineConfig.ts";
import { jsonOption, say, sayJson } from "./command.ts";
import { evaluateRun } from "./stages/evaluateRun.ts";
import { showEvaluation, writeEvaluation, writeFigures } from "./stages/evaluationFiles.ts";
import { evaluateLongOfRun } from "./stages/long/evaluateLongOfRun.ts";
import { scalarsOfLong, showLong } from "./stages/long/longFiles.ts";
import { evaluateModesOfRun, parseModes } from "./stages/modes/evaluateModesOfRun.ts";
import { scalarsOfModes, showModes } from "./stages/modes/modesFiles.ts";
import type { MeasureOptions } from "./stages/worldModel.ts";

/** Clips drawn unless said: of a run as a whole, of each mode, of long ones. */
const PROMPTS = { run: 256, modes: 64, long: 32 } as const;
/** Strength of edits unless said. */
const STRENGTH = 0.6;

interface EvaluateOptions extends MeasureOptions {
  readonly run: string;
  readonly modes: string | undefined;
  readonly long: number | undefined;
  readonly prompts: number | undefined;
  readonly strength: number | undefined;
  readonly json: boolean;
}

/** `kinema evaluate`: measures a trained model. */
export const evaluateCommand: CommandModule<object, EvaluateOptions> = {
  command: "evaluate <run> [overrides..]",
  describe: "Measure a trained model: adherence to prompts, reconstruction, loss, likeness to the data",
  builder: (cli) =>
    cli
      .positional("run", {
        type: "string",
        demandOption: true,
        describe: "the run's folder, of a VAE or a transformer",
      })
      .positional("overrides", {
        type: "string",
        array: true,
        default: [],
        describe: "samples.key=value, such as samples.sampler.kind=unipc: draw otherwise than the recipe says",
      })
      .option("modes", {
        type: "string",
        describe: "measure what kinema sample can be asked for instead: all of it, or animate,loop ...",
      })
      .option("long", {
        type: "number",
        requiresArg: true,
        describe: "measure clips of so many seconds instead: whether they stay what they are, memory, time",
      })
      .option("prompts", {
        type: "number",
        describe: `clips drawn; of a world with a split, of each part [default: ${PROMPTS.run}; of each mode ${PROMPTS.modes}; long ones ${PROMPTS.long}]`,
      })
      .option("strength", {
        type: "number",
        describe: `with --modes: of edits, from 0 (as it is) to 1 (all new) [default: ${STRENGTH}]`,
      })
      .option("seed", { type: "number", default: 0, describe: "another seed, other prompts and noise" })
      .option("weights", { choices: ["ema", "model"], default: "ema", describe: "averaged or raw weights" } as const)
      .option("engine", { choices: engineKinds, describe: "what computes [default: the run's]" } as const)
      .option("steps", { type: "number", describe: "steps from noise to clip [default: the recipe's]" })
      .option("cfg", { type: "number", describe: "guidance scale, 1 is none [default: the recipe's]" })
      .option("json", jsonOption)
      .example("$0 evaluate experiments/quickstart/main", "tables, and the figures in the run's evaluation/")
      .example("$0 evaluate RUN --prompts 64 --json", "a quicker look, for a script")
      .example("$0 evaluate RUN samples.sampler.kind=unipc --steps 12", "the same with another sampler")
      .example("$0 evaluate RUN --modes", "animate, extend, loop, connect, edit, keyframes")
      .example("$0 evaluate RUN --long 60", "clips of a minute against their own beginnings"),
  handler: async (options) => {
    if (options.prompts !== undefined) check("prompts", options.prompts, 1);
    check("seed", options.seed, 0);
    if (options.steps !== undefined) check("steps", options.steps, 1);
    const { json, text } = await measured(options);
    if (options.json) sayJson(json);
    else say(text);
  },
};

/** The figures, and what a person reads. */
async function measured(options: EvaluateOptions): Promise<{ json: object; text: string }> {
  const { run, prompts, strength, long } = options;
  if (options.modes !== undefined) {
    if (long !== undefined) throw new UserError("--modes --long", { expected: "one of the two", got: "both" });
    const modes = parseModes(options.modes);
    const cases = prompts ?? PROMPTS.modes;
    const result = await evaluateModesOfRun(run, { ...options, modes, cases, strength: checkStrength(strength) });
    const path = await writeFigures(run, "modes", result, scalarsOfModes(result));
    return { json: result, text: `${showModes(result)}\n\n${path}` };
  }
  if (strength !== undefined) {
    throw new UserError("--strength", { expected: "--modes beside it: the strength of edits", got: "none" });
  }
  if (long !== undefined) {
    if (!(long > 0))
      throw new UserError("--long", { expected: "one number of seconds, more than 0", got: String(long) });
    const result = await evaluateLongOfRun(run, { ...options, seconds: long, clips: prompts ?? PROMPTS.long });
    const path = await writeFigures(run, "long", result, scalarsOfLong(result));
    return { json: result, text: `${showLong(result)}\n\n${path}` };
  }
  const result = await evaluateRun(run, { ...options, prompts: prompts ?? PROMPTS.run });
  const path = await writeEvaluation(run, result);
  return { json: result, text: `${showEvaluation(result)}\n\n${path}` };
}

function check(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new UserError(`--${name}`, { expected: `one whole number, at least ${least}`, got: String(value) });
}

function checkStrength(strength = STRENGTH): number {
  if (strength >= 0 && strength <= 1) return strength;
  throw new UserError("--strength", { expected: "one number from 0 (as it is) to 1 (all new)", got: String(strength) });
}
