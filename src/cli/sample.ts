import { join } from "node:path";
import type { CommandModule } from "yargs";
import { UserError } from "../base/errors.ts";
import { type EngineKind, engineKinds } from "../engine/engineConfig.ts";
import type { DiTConfig } from "../models/dit/ditConfig.ts";
import { encodeText } from "../models/text/bytes.ts";
import type { ClipRequest } from "../sampling/samplingConfig.ts";
import { jsonOption, say, sayJson } from "./command.ts";
import { type DrawnClip, drawClips } from "./stages/drawClips.ts";
import { openModel } from "./stages/openModel.ts";
import { samplingWith } from "./stages/samplingWith.ts";

interface SampleOptions {
  run: string;
  prompt: string[] | undefined;
  negative: string | undefined;
  frames: number | undefined;
  height: number | undefined;
  width: number | undefined;
  fps: number | undefined;
  seed: number;
  steps: number | undefined;
  cfg: number | undefined;
  weights: "ema" | "model";
  engine: EngineKind | undefined;
  out: string | undefined;
  json: boolean;
}

/** `kinema sample`: draws clips from a trained model. */
export const sampleCommand: CommandModule<object, SampleOptions> = {
  command: "sample <run>",
  describe: "Draw clips from a trained model",
  builder: (cli) =>
    cli
      .positional("run", { type: "string", demandOption: true, describe: "the run's folder" })
      .option("prompt", {
        type: "string",
        array: true,
        nargs: 1,
        describe: "what the clip shows; several make several clips",
      })
      .option("negative", {
        type: "string",
        describe: "what clips should not show; guidance leads away from it [default: the recipe's]",
      })
      .option("frames", { type: "number", describe: "length in frames [default: the data's most frequent]" })
      .option("height", { type: "number", describe: "pixels [default: the data's most frequent]" })
      .option("width", { type: "number", describe: "pixels [default: the data's most frequent]" })
      .option("fps", { type: "number", describe: "frames a second of the file [default: the data's]" })
      .option("seed", { type: "number", default: 0, describe: "another seed, another clip" })
      .option("steps", { type: "number", describe: "steps from noise to clip [default: the recipe's]" })
      .option("cfg", { type: "number", describe: "guidance scale, 1 is none [default: the recipe's]" })
      .option("weights", { choices: ["ema", "model"], default: "ema", describe: "averaged or raw weights" } as const)
      .option("engine", { choices: engineKinds, describe: "what computes [default: the run's]" } as const)
      .option("out", { type: "string", describe: "file: .mp4, .webp or .gif [default: in the run's samples/]" })
      .option("json", jsonOption)
      .example('$0 sample experiments/quickstart/main --prompt "a red circle moves left"', "")
      .example("$0 sample RUN --prompt A --prompt B --frames 17 --width 48 --seed 3", "two clips of one size"),
  handler: async (options) => {
    const clips = await sample(options);
    if (options.json) sayJson(clips);
    else
      for (const { file, strip, prompt } of clips) say(`${file} (${strip}): ${prompt === "" ? "no prompt" : prompt}`);
  },
};

/** What the numeric options take. */
const NUMBERS = [
  { name: "frames", least: 1, whole: true },
  { name: "height", least: 1, whole: true },
  { name: "width", least: 1, whole: true },
  { name: "fps", least: 0.001, whole: false },
  { name: "seed", least: 0, whole: true },
  { name: "steps", least: 1, whole: true },
  { name: "cfg", least: 0, whole: false },
] as const;

function checkNumbers(options: SampleOptions): void {
  for (const { name, least, whole } of NUMBERS) {
    const value = options[name];
    if (value === undefined) continue;
    if (whole ? Number.isSafeInteger(value) && value >= least : Number.isFinite(value) && value >= least) continue;
    const expected = `one ${whole ? "whole number" : "number"}, at least ${least}`;
    throw new UserError(`--${name}`, { expected, got: String(value) });
  }
}

/** Refuses texts where the model reads none; tells of those that are longer than it reads. */
function checkTexts(option: string, texts: readonly string[], text: DiTConfig["text"]): void {
  for (const words of texts) {
    if (text.kind === "none") {
      throw new UserError(option, { expected: "none: this model was trained without text", got: "a prompt" });
    }
    const { numCut } = encodeText(words, text.maxTokens);
    if (numCut > 0) process.stderr.write(`${option}: the model does not read the last ${numCut} bytes of "${words}"\n`);
  }
}

/** `a-red-circle-moves-left-9x32x48-seed-0`: another prompt, size or seed is another file. */
function defaultName({ seed }: SampleOptions, requests: readonly ClipRequest[]): string {
  const [{ prompt, frames, height, width } = { prompt: "", frames: 0, height: 0, width: 0 }] = requests;
  const words = prompt.toLowerCase().match(/[a-z0-9]+/g) ?? ["clip"];
  const slug = words.join("-").slice(0, 60);
  return `${slug}-${frames}x${height}x${width}-seed-${seed}`;
}

async function sample(options: SampleOptions): Promise<DrawnClip[]> {
  checkNumbers(options);
  const overrides = options.engine === undefined ? [] : [`engine={ kind: ${options.engine} }`];
  const model = await openModel(options.run, options.weights, overrides);
  const { facts, recipe } = model;
  try {
    checkTexts("--prompt", options.prompt ?? [], recipe.dit.text);
    checkTexts("--negative", options.negative === undefined ? [] : [options.negative], recipe.dit.text);
    const [usual] = facts.grids;
    if (usual === undefined) throw new UserError(options.run, { expected: "sizes of the training data", got: "none" });
    const requests = (options.prompt ?? [""]).map((prompt) => ({
      prompt,
      frames: options.frames ?? usual.frames,
      height: options.height ?? usual.height,
      width: options.width ?? usual.width,
    }));
    return await drawClips(model, requests, {
      seed: options.seed,
      ...samplingWith(recipe.samples, options),
      fps: options.fps ?? facts.fps,
      out: options.out ?? join(options.run, "samples", defaultName(options, requests)),
    });
  } finally {
    await model.engine.dispose();
  }
}
