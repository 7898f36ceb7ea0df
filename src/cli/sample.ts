import { join } from "node:path";
import type { CommandModule } from "yargs";
import { UserError } from "../base/errors.ts";
import { shapeKey } from "../data/clip.ts";
import { type EngineKind, engineKinds } from "../engine/engineConfig.ts";
import type { LatentVideo } from "../sampling/latentVideo.ts";
import { jsonOption, say, sayJson } from "./command.ts";
import { type DrawnClips, drawAll } from "./sample/drawAll.ts";
import type { Drawing } from "./sample/drawing.ts";
import type { Given } from "./sample/given.ts";
import { type IntentOptions, parseWish, type Wish } from "./sample/intent.ts";
import { checkTexts, textsOf } from "./sample/prompts.ts";
import { drawingsOf, requestOf } from "./sample/request.ts";
import { loadModel, type OpenModel, readModel } from "./stages/openModel.ts";
import { prepareOut } from "./stages/outFile.ts";
import { runOverrides } from "./stages/runOverrides.ts";
import { samplingWith } from "./stages/samplingWith.ts";

interface SampleOptions extends IntentOptions {
  readonly run: string;
  readonly overrides: readonly string[];
  readonly negative: string | undefined;
  readonly height: number | undefined;
  readonly width: number | undefined;
  readonly fps: number | undefined;
  readonly seed: number;
  readonly steps: number | undefined;
  readonly cfg: number | undefined;
  readonly weights: "ema" | "model";
  readonly engine: EngineKind | undefined;
  readonly out: string | undefined;
  readonly preview: boolean;
  readonly json: boolean;
}

/** `kinema sample`: draws clips from a trained model. */
export const sampleCommand: CommandModule<object, SampleOptions> = {
  command: "sample <run> [overrides..]",
  describe: "Draw clips from a trained model: from text, pictures or videos",
  builder: (cli) =>
    cli
      .positional("run", { type: "string", demandOption: true, describe: "the run's folder" })
      .positional("overrides", {
        type: "string",
        array: true,
        default: [],
        describe: "samples.key=value, such as samples.sampler.kind=unipc: draw otherwise than the recipe says",
      })
      .option("prompt", {
        type: "string",
        array: true,
        nargs: 1,
        describe: 'what the clip shows; several make several clips, or with times one: "0: ...", "20s: ..."',
      })
      .option("negative", {
        type: "string",
        describe: "what clips should not show; guidance leads away from it [default: the recipe's]",
      })
      .option("image", { type: "string", requiresArg: true, describe: "a picture to bring to life" })
      .option("video", {
        type: "string",
        array: true,
        nargs: 1,
        describe: "a video to extend, loop or edit; twice: two to connect",
      })
      .option("extend", {
        type: "string",
        array: true,
        nargs: 2,
        describe: "forward or backward, and seconds: what comes after the video, or before it",
      })
      .option("loop", { type: "boolean", describe: "a clip that ends where it begins: the video, or one from text" })
      .option("connect", {
        type: "string",
        requiresArg: true,
        describe: "seconds that lead from one video to the other",
      })
      .option("edit", {
        type: "number",
        requiresArg: true,
        describe: "change the video as the prompt says, from 0 (as it is) to 1 (all new)",
      })
      .option("keyframes", {
        type: "string",
        requiresArg: true,
        describe: "pictures and the seconds when they are shown: a.png@0,b.png@3.5s",
      })
      .option("seconds", { type: "string", requiresArg: true, describe: "length, instead of --frames" })
      .option("frames", { type: "number", describe: "length in frames [default: the data's most frequent]" })
      .option("height", { type: "number", describe: "pixels [default: the data's most frequent, or nearest in shape]" })
      .option("width", { type: "number", describe: "pixels [default: the data's most frequent, or nearest in shape]" })
      .option("fps", { type: "number", describe: "frames a second of the file [default: the data's]" })
      .option("seed", { type: "number", default: 0, describe: "another seed, another clip" })
      .option("steps", { type: "number", describe: "steps from noise to clip [default: the recipe's]" })
      .option("cfg", { type: "number", describe: "guidance scale, 1 is none [default: the recipe's]" })
      .option("weights", { choices: ["ema", "model"], default: "ema", describe: "averaged or raw weights" } as const)
      .option("engine", { choices: engineKinds, describe: "what computes [default: the run's]" } as const)
      .option("out", {
        type: "string",
        describe: "file: .mp4, .webp or .gif; .png for one frame [default: in the run's samples/]",
      })
      .option("preview", {
        type: "boolean",
        default: false,
        describe: "before the half, a strip of what is to come, beside the file: of a long clip, its beginning",
      })
      .option("json", jsonOption)
      .example('$0 sample experiments/quickstart/main --prompt "a red circle moves left"', "")
      .example("$0 sample RUN --prompt A --prompt B --frames 17 --width 48 --seed 3", "two clips of one size")
      .example("$0 sample RUN --prompt A --frames 1", "a picture")
      .example("$0 sample RUN --image a.png --prompt A", "brings a picture to life")
      .example("$0 sample RUN --video a.mp4 --extend forward 2", "goes on for two seconds")
      .example("$0 sample RUN --video a.mp4 --video b.mp4 --connect 1", "leads from one to the other")
      .example("$0 sample RUN --video a.mp4 --edit 0.6 --prompt B", "the same in other colours")
      .example('$0 sample RUN --seconds 60 --prompt "0: A" --prompt "20s: B"', "a minute")
      .example("$0 sample RUN --prompt A samples.sampler.kind=unipc --steps 12", "with another sampler"),
  handler: async (options) => {
    const { clips, sheet } = await sample(options);
    if (options.json) sayJson(clips);
    else {
      for (const { file, strip, prompt } of clips) {
        say(`${file}${strip === file ? "" : ` (${strip})`}: ${prompt === "" ? "no prompt" : prompt}`);
      }
      if (sheet !== undefined) say(`all of them: ${sheet}`);
    }
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

async function sample(options: SampleOptions): Promise<DrawnClips> {
  checkNumbers(options);
  const wish = parseWish(options);
  const known = await readModel(options.run, runOverrides(options.overrides, options.engine));
  const { facts, recipe } = known;
  const sampling = samplingWith(recipe.samples, options);
  checkTexts("--prompt", textsOf(wish.prompts), recipe.dit.text, tell);
  checkTexts("--negative", [options.negative ?? ""], recipe.dit.text, tell);
  const request = await requestOf(known, wish, options, tell);
  const shapes = drawingsOf(known, request, request.blanks);
  const isPicture = shapes.every(({ shape }) => shape.frames === 1);
  const out = await prepareOut(
    options.out ?? join(options.run, "samples", defaultName(wish, shapes, options.seed)),
    isPicture,
  );
  const model = await loadModel(known, options.weights);
  try {
    const given: LatentVideo[] = [];
    for (const clip of request.given) given.push(await encoded(model, clip));
    const drawings = drawingsOf(known, request, given);
    const { seed, preview } = options;
    return await drawAll(model, drawings, { seed, ...sampling, fps: options.fps ?? facts.fps, out, preview });
  } finally {
    await model.codec.dispose();
    await model.engine.dispose();
  }
}

async function encoded({ codec }: OpenModel, { frames_THWC, grid }: Given): Promise<LatentVideo> {
  return { grid: codec.latentGrid(grid), latent_thwz: await codec.encode(frames_THWC, grid) };
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** `a-red-circle-moves-left-9x32x48-seed-0`: another mode, prompt, size or seed is another file. */
function defaultName({ intent }: Wish, drawings: readonly Drawing[], seed: number): string {
  const [{ prompt, shape } = { prompt: "", shape: { frames: 0, height: 0, width: 0 } }] = drawings;
  const mode = intent.mode === "text" ? "" : `${intent.mode} `;
  const words = `${mode}${prompt}`.toLowerCase().match(/[a-z0-9]+/g) ?? ["clip"];
  return `${words.join("-").slice(0, 60)}-${shapeKey(shape)}-seed-${seed}`;
}
