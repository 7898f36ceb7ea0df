import type { CommandModule } from "yargs";
import { ingestSchema, ingestVideos } from "../../data/ingest/ingest.ts";
import { DECODERS, type DecoderChoice } from "../../data/ingest/openDecoders.ts";
import { createProgress, type Progress } from "../../report/progress.ts";
import { say } from "../command.ts";
import { parseOptions } from "./options.ts";
import { summaryOf } from "./summary.ts";

const defaults = ingestSchema.parse({});

interface IngestOptions {
  dir: string;
  captions: string;
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

/** `kinema data ingest`: turns a folder of videos into a dataset. */
export const ingestCommand: CommandModule<object, IngestOptions> = {
  command: "ingest <dir>",
  describe: "Make a dataset from a folder of videos and a file of captions",
  builder: (cli) =>
    cli
      .positional("dir", { type: "string", demandOption: true, describe: "folder of videos, searched with all below" })
      .option("captions", { type: "string", demandOption: true, describe: "CSV file with the columns file,caption" })
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
      .example("$0 data ingest videos --captions c.csv --out data/v --windows 4 --max-pixels 16384", "more and larger"),
  handler: async (options) => {
    const { dir, captions, out, overwrite, fps, multiple, windows, decoder } = options;
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
    let progress: Progress | undefined;
    const tell = (line: string): void => (progress === undefined ? say(line) : progress.log(line));
    try {
      const manifest = await ingestVideos(dir, captions, out, config, {
        overwrite,
        onDecoders: (decoders) => tell(`decoding with ${decoders.join("; ")}`),
        onProgress: (done, total, file) => {
          progress ??= createProgress("ingest", total);
          progress.update(done, file);
        },
        onSkip: (file, reason) => tell(`left out ${file}: ${reason}`),
      });
      progress?.stop("");
      say(summaryOf(out, manifest));
    } finally {
      progress?.stop();
    }
  },
};
