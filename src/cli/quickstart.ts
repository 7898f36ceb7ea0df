import { join } from "node:path";
import type { CommandModule } from "yargs";
import { UserError } from "../base/errors.ts";
import { hasVae } from "../train/vaeFolder.ts";
import { say } from "./command.ts";
import { drawAll } from "./sample/drawAll.ts";
import { textDrawing } from "./sample/drawing.ts";
import { evaluateRun } from "./stages/evaluateRun.ts";
import { evaluationPath, showEvaluation, writeEvaluation } from "./stages/evaluationFiles.ts";
import { loadModel, readModel } from "./stages/openModel.ts";
import { prepareOut } from "./stages/outFile.ts";
import { trainRecipe } from "./stages/trainRecipe.ts";
import { vaeDirOf } from "./stages/trainVae.ts";

/** Prompts that the model is judged on, of each part of its world. */
const PROMPTS = 256;

interface QuickstartOptions {
  readonly long: boolean;
  readonly seed: number;
}

/** `kinema quickstart`: from nothing to a judged model and clips drawn from text, in minutes on two cores. */
export const quickstartCommand: CommandModule<object, QuickstartOptions> = {
  command: "quickstart",
  describe: "Train a small model from nothing, draw clips with it and judge it; ten minutes on two cores",
  builder: (cli) =>
    cli
      .option("long", {
        type: "boolean",
        default: false,
        describe: "a larger model of the whole world of one object; an hour",
      })
      .option("seed", { type: "number", default: 0, describe: "another seed, in run folders of its own" })
      .example("$0 quickstart", "again, and it goes on where it stopped"),
  handler: async ({ long, seed }) => {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new UserError("--seed", { expected: "one whole number, at least 0", got: String(seed) });
    }
    const started = performance.now();
    const name = long ? "quickstart-long" : "quickstart";
    const folder = seed === 0 ? "main" : `seed-${seed}`;
    const runDir = join("experiments", name, folder);
    const code = await trainBoth(name, folder, seed);
    if (code !== 0) {
      process.exitCode = code;
      return;
    }
    const known = await readModel(runDir);
    const { sampler, guidance, clips: requests } = known.recipe.samples;
    const drawings = requests.map((request) => textDrawing(known, request));
    const out = await prepareOut(join(runDir, "samples", "clip"));
    const model = await loadModel(known, "ema");
    const options = { sampler, guidance, seed, fps: known.facts.fps, out };
    const { clips } = await drawAll(model, drawings, options).finally(() => model.engine.dispose());
    const result = await evaluateRun(runDir, {
      prompts: PROMPTS,
      seed: 0,
      weights: "ema",
      engine: undefined,
      overrides: [],
      steps: undefined,
      cfg: undefined,
    });
    await writeEvaluation(runDir, result);
    say(`\n${showEvaluation(result)}`);
    say(`\nDone in ${((performance.now() - started) / 60_000).toFixed(1)} minutes. Clips drawn from text:`);
    for (const { file, strip, prompt } of clips) say(`  ${file}  (frames: ${strip})  ${prompt}`);
    say(`Five prompts at four sizes: ${evaluationPath(runDir, result.step, ".png")}`);
    say(`\nDraw your own: npx kinema sample ${runDir} --prompt "a purple square moves left on a dark background"`);
  },
};

/** The VAE where it is not there yet, then the transformer. @returns the exit code. */
async function trainBoth(name: string, folder: string, seed: number): Promise<number> {
  const vaeRun = join("experiments", `${name}-vae`, folder);
  if (!(await hasVae(vaeDirOf(vaeRun)))) {
    const code = await trainRecipe(`configs/${name}-vae.yaml`, [`seed=${seed}`], { runDir: vaeRun });
    if (code !== 0) return code;
  }
  const runDir = join("experiments", name, folder);
  return trainRecipe(`configs/${name}.yaml`, [`seed=${seed}`, `vae.run=${vaeRun}`], { runDir });
}
