import type { CommandModule } from "yargs";
import { UserError } from "../../base/errors.ts";
import { buildShapes } from "../../data/shapes/build.ts";
import { BACKGROUNDS, COLOURS, FORMS, MOTIONS, SIZES } from "../../data/shapes/grammar.ts";
import { shapesSchema } from "../../data/shapes/world.ts";
import { say } from "../command.ts";
import { interruptible } from "../stages/interruptible.ts";
import { withProgress } from "../stages/withProgress.ts";
import { listOption, numbersOption, parseOptions } from "./options.ts";
import { summaryOf } from "./summary.ts";

const defaults = shapesSchema.parse({});

interface ShapesOptions {
  out: string;
  overwrite: boolean;
  clips: number;
  seed: number;
  fps: string | undefined;
  colours: string | undefined;
  shapes: string | undefined;
  motions: string | undefined;
  backgrounds: string | undefined;
  sizes: string | undefined;
  size: string | undefined;
  travel: string | undefined;
  pairs: number;
  occlusions: number;
  paraphrase: boolean;
  holdOut: number;
  buckets: string | undefined;
}

/** `kinema data shapes`: builds a procedural world of shapes that move. */
export const shapesCommand: CommandModule<object, ShapesOptions> = {
  command: "shapes",
  describe: "Make a dataset of coloured shapes that move, with captions",
  builder: (cli) =>
    cli
      .option("out", { type: "string", demandOption: true, describe: "folder of the dataset to make" })
      .option("overwrite", { type: "boolean", default: false, describe: "replace a dataset that is there" })
      .option("clips", { type: "number", default: defaults.clips, describe: "number of clips" })
      .option("seed", { type: "number", default: defaults.seed, describe: "clip i depends on seed and i only" })
      .option("fps", { type: "string", describe: "frames a second, comma-separated: one of them for each clip" })
      .option("colours", { type: "string", describe: `comma-separated, of ${COLOURS.join(", ")}` })
      .option("shapes", { type: "string", describe: `comma-separated, of ${FORMS.join(", ")}` })
      .option("motions", { type: "string", describe: `comma-separated, of ${MOTIONS.join(", ")}` })
      .option("backgrounds", { type: "string", describe: `comma-separated, of ${BACKGROUNDS.join(", ")}` })
      .option("sizes", { type: "string", describe: `sizes that captions tell, of ${SIZES.join(", ")}` })
      .option("size", { type: "string", describe: "diameters as fractions of the short side: least,most" })
      .option("travel", { type: "string", describe: "ways as fractions of the way inside the frame: least,most" })
      .option("pairs", { type: "number", default: defaults.pairs, describe: "share of clips with two objects" })
      .option("occlusions", {
        type: "number",
        default: defaults.occlusions,
        describe: "share of crossing objects that pass behind a bar",
      })
      .option("paraphrase", { type: "boolean", default: defaults.paraphrase, describe: "captions vary in wording" })
      .option("holdOut", {
        type: "number",
        default: defaults.holdOut,
        describe: "share of triples of colour, shape and motion that no clip shows",
      })
      .option("buckets", { type: "string", describe: "clips as FRAMESxHEIGHTxWIDTH[:WEIGHT], comma-separated" })
      .example("$0 data shapes --out data/shapes --clips 2000 --seed 1", "the standard world")
      .example("$0 data shapes --out data/red --colours red --buckets 1x32x32,9x32x48:3", "a small one"),
  handler: async ({ out, overwrite, clips, seed, pairs, occlusions, paraphrase, holdOut, ...texts }) => {
    const config = parseOptions(shapesSchema, {
      clips,
      seed,
      pairs,
      occlusions,
      paraphrase,
      holdOut,
      fps: numbersOption(texts.fps),
      colours: listOption(texts.colours),
      shapes: listOption(texts.shapes),
      motions: listOption(texts.motions),
      backgrounds: listOption(texts.backgrounds),
      sizes: listOption(texts.sizes),
      size: numbersOption(texts.size),
      travel: numbersOption(texts.travel),
      buckets: listOption(texts.buckets)?.map(parseBucket),
    });
    const manifest = await interruptible((aborts) =>
      withProgress("shapes", config.clips, (onProgress) => buildShapes(out, config, { overwrite, onProgress, aborts })),
    );
    say(summaryOf(out, manifest));
  },
};

const BUCKET = /^(\d+)x(\d+)x(\d+)(?::(\d+(?:\.\d+)?))?$/;

function parseBucket(text: string): object {
  const match = BUCKET.exec(text);
  if (match === null) {
    throw new UserError("--buckets", { expected: "FRAMESxHEIGHTxWIDTH[:WEIGHT]", got: text, try: "9x32x48:2" });
  }
  const [frames, height, width, weight] = match.slice(1).map((digits) => Number(digits ?? 1));
  return { frames, height, width, weight };
}
