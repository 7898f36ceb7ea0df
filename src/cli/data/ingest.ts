import type { CommandModule } from "yargs";
import { UserError } from "../../base/errors.ts";
import { folderSource } from "../../data/ingest/folderSource.ts";
import { ingest, ingestSchema } from "../../data/ingest/ingest.ts";
import { DECODERS, type DecoderChoice } from "../../data/ingest/openDecoders.ts";
import { isParquet, parquetFiles, parquetSource } from "../../data/ingest/parquet/parquetSource.ts";
import type { VideoSource } from "../../data/ingest/source.ts";
import { say, UsageError } from "../command.ts";
import { interruptible } from "../stages/interruptible.ts";
import { withProgress } from "../stages/withProgress.ts";
import { parseOptions } from "./options.ts";
import { counted, summaryOf } from "./summary.ts";

const defaults = ingestSchema.parse({});

interface IngestOptions {
  inputs: string[];
  captions: string | undefined;
  "video-column": string | undefined;
  "caption-column": string | undefined;
  "caption-key": string | undefined;
  out: string;
  overwrite: boolean;
  fps: number;
  "max-frames": number;
  "max-pixels": number;
  multiple: number;
  "time-factor": number;
  windows: number;
  "tolerate-errors": boolean;
  "max-failed": number;
  "timeout-seconds": number;
  decoder: DecoderChoice;
}

/** `kinema data ingest`: turns a folder of videos, or parquet files with videos in them, into a dataset. */
export const ingestCommand: CommandModule<object, IngestOptions> = {
  command: "ingest <inputs..>",
  describe: "Make a dataset from a folder of videos and a file of captions, or from parquet files",
  builder: (cli) =>
    cli
      .positional("inputs", {
        type: "string",
        array: true,
        demandOption: true,
        describe: "a folder of videos and pictures, with all below; or parquet files and folders of them",
      })
      .option("captions", {
        type: "string",
        describe: "CSV file with the columns file,caption, for a folder of videos",
      })
      .option("video-column", {
        type: "string",
        describe: "parquet column of videos: bytes, or paths [default: guessed]",
      })
      .option("caption-column", { type: "string", describe: "parquet column of captions [default: guessed]" })
      .option("caption-key", {
        type: "string",
        describe: "which caption of a list (a number from 0), a struct, a map or a JSON text [default: the first]",
      })
      .option("out", { type: "string", demandOption: true, describe: "folder of the dataset to make" })
      .option("overwrite", { type: "boolean", default: false, describe: "replace a dataset that is there" })
      .option("fps", { type: "number", default: defaults.fps, describe: "frames a second to resample to" })
      .option("max-frames", { type: "number", default: defaults.maxFrames, describe: "frames of a clip at most" })
      .option("max-pixels", { type: "number", default: defaults.maxPixels, describe: "pixels of a frame at most" })
      .option("multiple", { type: "number", default: defaults.multiple, describe: "sides are multiples of this" })
      .option("time-factor", {
        type: "number",
        default: defaults.timeFactor,
        describe: "clips have 1 + k times this many frames",
      })
      .option("windows", {
        type: "number",
        default: defaults.windows,
        describe: "clips cut from one video at most, evenly spaced",
      })
      .option("tolerate-errors", { type: "boolean", default: false, describe: "keep videos that decode with errors" })
      .option("max-failed", {
        type: "number",
        default: defaults.maxFailed,
        describe: "stop when a larger share of the videos fails",
      })
      .option("timeout-seconds", {
        type: "number",
        default: defaults.timeoutSeconds,
        describe: "give up a video that takes longer",
      })
      .option("decoder", { choices: DECODERS, default: defaults.decoder, describe: "what decodes" } as const)
      .example("$0 data ingest videos --captions videos/captions.csv --out data/videos", "clips of 33 frames at most")
      .example("$0 data ingest videos --captions c.csv --out data/v --windows 4 --max-pixels 16384", "more and larger")
      .example("$0 data ingest hub/data/*.parquet --caption-column text --out data/hub", "a dataset from a hub"),
  handler: async (options) => {
    const { out, overwrite, fps, multiple, windows, decoder } = options;
    const config = parseOptions(ingestSchema, {
      fps,
      maxFrames: options["max-frames"],
      maxPixels: options["max-pixels"],
      multiple,
      timeFactor: options["time-factor"],
      windows,
      tolerateErrors: options["tolerate-errors"],
      maxFailed: options["max-failed"],
      timeoutSeconds: options["timeout-seconds"],
      decoder,
    });
    const { source, close } = await openSource(options);
    try {
      const manifest = await interruptible((aborts) =>
        withProgress("ingest", source.total, (onProgress, tell) =>
          ingest(source, out, config, {
            overwrite,
            aborts,
            onProgress,
            onDecoders: (decoders) => say(`decoding with ${decoders.join("; ")}`),
            onSkip: (file, reason) => tell(`left out ${file}: ${reason}`),
          }),
        ),
      );
      say(summaryOf(out, manifest));
    } finally {
      await close();
    }
  },
};

interface ChosenSource {
  readonly source: VideoSource;
  close(): Promise<void>;
}

/** With captions it is a folder of videos, else parquet files. */
async function openSource(options: IngestOptions): Promise<ChosenSource> {
  const { inputs, captions } = options;
  const parquetOnly = ["video-column", "caption-column", "caption-key"] as const;
  if (captions !== undefined) {
    const [dir, another] = inputs;
    const idle = parquetOnly.find((name) => options[name] !== undefined);
    if (idle !== undefined)
      throw new UsageError(`--${idle}`, { expected: "parquet files", got: "a folder with --captions" });
    if (dir === undefined || another !== undefined) {
      throw new UsageError("ingest", { expected: "one folder of videos with --captions", got: inputs.join(" ") });
    }
    return { source: await folderSource(dir, captions), close: async () => undefined };
  }
  const files = await parquetFiles(inputs);
  const other = files.find((file) => !isParquet(file));
  if (files.length === 0 || other !== undefined) {
    throw new UserError(other ?? inputs.join(" "), {
      expected: "parquet files, or --captions with a folder of videos",
      got: other === undefined ? "none" : "another file",
    });
  }
  const source = await parquetSource(files, {
    video: options["video-column"],
    caption: options["caption-column"],
    captionKey: options["caption-key"],
  });
  const { video, caption } = source.columns;
  say(`${counted(files.length, "parquet file")}: videos in column ${video}, captions in column ${caption}`);
  return { source, close: () => source.close() };
}
