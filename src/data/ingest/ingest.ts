import { extname, join } from "node:path";
import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import { CHANNELS } from "../clip.ts";
import { createDataset, type DatasetWriter } from "../dataset.ts";
import type { Manifest } from "../manifest.ts";
import { readCaptions } from "./captions.ts";
import type { DecodedVideo, Decoder } from "./decoder.ts";
import { hasGifTrailer } from "./gifTrailer.ts";
import { DECODERS, decoderFor, openDecoders } from "./openDecoders.ts";
import { isVideoFile, listFiles } from "./videoFiles.ts";
import { cutWindows } from "./windows.ts";

/** How videos become clips. */
export const ingestSchema = z
  .strictObject({
    fps: z.number().positive().max(240).default(8).describe("frames a second to resample to"),
    maxFrames: z.int().positive().default(33).describe("frames of a clip at most"),
    maxPixels: z.int().positive().default(4096).describe("pixels of a frame at most"),
    multiple: z.int().positive().default(16).describe("sides are multiples of this"),
    timeFactor: z.int().positive().default(4).describe("clips have 1 + k times this many frames"),
    windows: z.int().positive().default(1).describe("clips cut from one video at most, evenly spaced"),
    tolerateErrors: z.boolean().default(false).describe("keep videos that decode with errors"),
    maxFailed: z.number().min(0).max(1).default(0.5).describe("stop when a larger share of the videos fails to decode"),
    timeoutSeconds: z.number().positive().default(120).describe("give up a video that takes longer to decode"),
    decoder: z.enum(DECODERS).default("auto").describe("what decodes; auto takes the first that is there"),
  })
  .refine(({ multiple, maxPixels }) => multiple ** 2 <= maxPixels, {
    path: ["maxPixels"],
    message: "expected at least multiple x multiple",
  });

export type IngestConfig = z.infer<typeof ingestSchema>;

export interface IngestOptions {
  readonly overwrite?: boolean;
  /** Told once, before the first file. */
  readonly onDecoders?: (names: readonly string[]) => void;
  readonly onProgress?: (done: number, total: number, file: string) => void;
  /** Told of each file that is left out. */
  readonly onSkip?: (file: string, reason: string) => void;
}

/** Failures before the share of them is looked at. */
const FEW_FAILURES = 5;
/** Bytes of frames of one video, scaled. */
const MAX_BYTES = 2 ** 30;

/**
 * Builds a dataset from a folder of videos and their captions. A file that is damaged, cannot be opened or has no
 * caption is left out and named in the manifest with its reason; so is a caption without a file.
 * @throws UserError when nothing is left, too large a share fails, or the folder `out` is taken.
 */
export async function ingestVideos(
  dir: string,
  captionsFile: string,
  out: string,
  config: IngestConfig,
  options: IngestOptions = {},
): Promise<Manifest> {
  const captions = await readCaptions(captionsFile);
  const present = await listFiles(dir);
  const decoders = await openDecoders(config.decoder, config.timeoutSeconds * 1000);
  options.onDecoders?.(decoders.map(({ name, endings }) => `${name} (${endings.join(", ")})`));
  const made = { command: "data ingest", options: config };
  try {
    return await createDataset(out, { made, overwrite: options.overwrite ?? false }, (writer) =>
      new Ingest(dir, config, options, decoders, writer).run(present, captions),
    );
  } finally {
    await Promise.all(decoders.map((decoder) => decoder.close()));
  }
}

/** One pass over a folder. */
class Ingest {
  private readonly dir: string;
  private readonly config: IngestConfig;
  private readonly options: IngestOptions;
  private readonly decoders: readonly Decoder[];
  private readonly writer: DatasetWriter;
  private numFailed = 0;
  private lastReason = "";

  constructor(
    dir: string,
    config: IngestConfig,
    options: IngestOptions,
    decoders: readonly Decoder[],
    writer: DatasetWriter,
  ) {
    this.dir = dir;
    this.config = config;
    this.options = options;
    this.decoders = decoders;
    this.writer = writer;
  }

  async run(present: readonly string[], captions: ReadonlyMap<string, string>): Promise<void> {
    const files = present.filter((file) => isVideoFile(file) || captions.has(file));
    for (const [done, file] of files.entries()) {
      this.options.onProgress?.(done, files.length, file);
      await this.take(file, captions.get(file), files.length);
    }
    this.options.onProgress?.(files.length, files.length, "");
    const known = new Set(present);
    for (const file of captions.keys()) if (!known.has(file)) this.skip(file, "has a caption but is not there");
    if (this.writer.clips === 0) {
      throw new UserError(this.dir, {
        expected: "a video that can be used",
        got:
          files.length === 0 ? "no video files" : `${files.length} that cannot, the last because: ${this.lastReason}`,
      });
    }
  }

  private async take(file: string, caption: string | undefined, total: number): Promise<void> {
    if (caption === undefined || caption === "") return this.skip(file, "has no caption");
    const decoder = decoderFor(this.decoders, file);
    if (decoder === undefined) {
      return this.skip(file, isVideoFile(file) ? "nothing here decodes it: install node-av or ffmpeg" : "is no video");
    }
    try {
      const path = join(this.dir, file);
      const video = await decoder.decode({ ...this.config, path, maxBytes: MAX_BYTES });
      const isCut = extname(file).toLowerCase() === ".gif" && !(await hasGifTrailer(path));
      const numErrors = video.numErrors + (isCut ? 1 : 0);
      if (numErrors > 0 && !this.config.tolerateErrors) {
        const first = video.firstError === "" ? "the file ends before its trailer" : video.firstError;
        throw new Error(`decodes with ${numErrors} error${numErrors === 1 ? "" : "s"}, first: ${first}`);
      }
      this.addClips(file, caption, video);
    } catch (error) {
      this.skip(file, error instanceof Error ? error.message : String(error));
      this.numFailed += 1;
      if (this.numFailed >= FEW_FAILURES && this.numFailed > this.config.maxFailed * total) {
        throw new UserError(this.dir, {
          expected: `at most ${100 * this.config.maxFailed} % of ${total} videos to fail`,
          got: `${this.numFailed} failures, the last ${file}: ${this.lastReason}`,
          try: "--max-failed 1",
        });
      }
    }
  }

  private addClips(file: string, caption: string, video: DecodedVideo): void {
    const { height, width, frames_THWC } = video;
    const { fps } = this.config;
    const frameBytes = height * width * CHANNELS;
    for (const { start, frames } of cutWindows(video.frames, this.config)) {
      this.writer.add({
        frames_THWC: frames_THWC.slice(start * frameBytes, (start + frames) * frameBytes),
        frames,
        height,
        width,
        fps,
        caption,
        source: `${file} from ${(start / fps).toFixed(2)} s`,
      });
    }
  }

  private skip(file: string, reason: string): void {
    this.lastReason = reason;
    this.writer.skip(file, reason);
    this.options.onSkip?.(file, reason);
  }
}
