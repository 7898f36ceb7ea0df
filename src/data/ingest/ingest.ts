import { extname } from "node:path";
import { z } from "zod";
import { conform } from "../../base/conform.ts";
import { UserError } from "../../base/errors.ts";
import { errorCode } from "../../base/files.ts";
import { CHANNELS } from "../clip.ts";
import { createDataset, type DatasetWriter } from "../dataset.ts";
import type { Manifest } from "../manifest.ts";
import type { DecodedVideo, Decoder } from "./decoder.ts";
import { hasGifTrailer } from "./gifTrailer.ts";
import { DECODERS, decoderFor, openDecoders } from "./openDecoders.ts";
import type { SourceItem, VideoSource } from "./source.ts";
import { withFile } from "./temporaryFile.ts";
import { isVideoFile } from "./videoFiles.ts";
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
  /** Told of each item before it is decoded: how many are done, and its name. */
  readonly onProgress?: (done: number, name: string) => void;
  /** Told of each item that is left out. */
  readonly onSkip?: (file: string, reason: string) => void;
  /** Ends the work in good order when it aborts. */
  readonly aborts?: AbortSignal | undefined;
}

/** Failures before the share of them is looked at. */
const FEW_FAILURES = 5;
/** What the system says when it is at its limits: going on would leave out file after file. */
const NO_FAULT_OF_A_FILE: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EMFILE", "ENOMEM"]);
/** Bytes of frames of one video, scaled. */
const MAX_BYTES = 2 ** 30;

/**
 * Builds a dataset from videos and pictures with captions. What is damaged, cannot be opened or has no caption is left
 * out and named in the manifest with its reason. A build that was killed or stopped goes on from its last whole shard
 * when it is started again with the same source and settings.
 * @throws UserError when nothing is left, too large a share fails, or the folder `out` is taken. Interrupted when
 * `aborts` does.
 */
export async function ingest(
  source: VideoSource,
  out: string,
  config: IngestConfig,
  options: IngestOptions = {},
): Promise<Manifest> {
  const decoders = await openDecoders(config.decoder, config.timeoutSeconds * 1000);
  options.onDecoders?.(decoders.map(({ name, endings }) => `${name} (${endings.join(", ")})`));
  const made = { command: "data ingest", options: config };
  const build = { made, inputs: source.identity, overwrite: options.overwrite ?? false };
  try {
    return await createDataset(out, build, (writer) => new Ingest(source, config, options, decoders, writer).run());
  } finally {
    await Promise.all(decoders.map((decoder) => decoder.close()));
  }
}

const cursorSchema = z.strictObject({ done: z.int().nonnegative(), failed: z.int().nonnegative() });

/** One pass over a source. */
class Ingest {
  private readonly source: VideoSource;
  private readonly config: IngestConfig;
  private readonly options: IngestOptions;
  private readonly decoders: readonly Decoder[];
  private readonly writer: DatasetWriter;
  private numFailed = 0;
  private lastReason = "";

  constructor(
    source: VideoSource,
    config: IngestConfig,
    options: IngestOptions,
    decoders: readonly Decoder[],
    writer: DatasetWriter,
  ) {
    this.source = source;
    this.config = config;
    this.options = options;
    this.decoders = decoders;
    this.writer = writer;
  }

  async run(): Promise<void> {
    const { source, writer, options } = this;
    const start = conform(cursorSchema, writer.cursor ?? { done: 0, failed: 0 }, "build");
    let { done } = start;
    this.numFailed = start.failed;
    for await (const item of source.items(done)) {
      options.aborts?.throwIfAborted();
      options.onProgress?.(done, item.name);
      await this.take(item);
      done += item.count ?? 1;
      writer.commit({ done, failed: this.numFailed });
    }
    options.onProgress?.(done, "");
    for (const { file, reason } of source.missing) this.skip(file, reason);
    if (writer.clips > 0) return;
    throw new UserError(source.where, {
      expected: "a video or picture that can be used",
      got: source.total === 0 ? "no such files" : `${source.total} that cannot, the last because: ${this.lastReason}`,
    });
  }

  private async take(item: SourceItem): Promise<void> {
    const { name, caption, content } = item;
    if ("reason" in content) return this.fail(item, content.reason);
    if (caption === undefined || caption === "") return this.skip(name, "has no caption");
    try {
      if ("path" in content) return await this.decode(name, caption, content.path);
      await withFile(content.bytes, this.writer.folder, (path) => this.decode(name, caption, path));
    } catch (error) {
      if (NO_FAULT_OF_A_FILE.has(errorCode(error) ?? "")) throw error;
      if (error instanceof NotTaken) this.skip(name, error.message);
      else this.fail(item, error instanceof Error ? error.message : String(error));
    }
  }

  private async decode(name: string, caption: string, path: string): Promise<void> {
    const decoder = decoderFor(this.decoders, path);
    if (decoder === undefined) {
      throw new NotTaken(
        isVideoFile(path) ? "nothing here decodes it: install node-av or ffmpeg" : "is no video or picture",
      );
    }
    const video = await decoder.decode({ ...this.config, path, maxBytes: MAX_BYTES });
    const isCut = extname(path).toLowerCase() === ".gif" && !(await hasGifTrailer(path));
    const numErrors = video.numErrors + (isCut ? 1 : 0);
    if (numErrors > 0 && !this.config.tolerateErrors) {
      const first = video.firstError === "" ? "the file ends before its trailer" : video.firstError;
      throw new Error(`decodes with ${numErrors} error${numErrors === 1 ? "" : "s"}, first: ${first}`);
    }
    this.addClips(name, caption, video);
  }

  private addClips(name: string, caption: string, video: DecodedVideo): void {
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
        source: video.frames === 1 ? name : `${name} from ${(start / fps).toFixed(2)} s`,
      });
    }
  }

  /** Leaves out what should have been usable. @throws UserError when too large a share is not. */
  private fail({ name, count = 1 }: SourceItem, reason: string): void {
    this.skip(name, reason);
    this.numFailed += count;
    const { maxFailed } = this.config;
    const { total, where } = this.source;
    if (this.numFailed < FEW_FAILURES || this.numFailed <= maxFailed * total) return;
    throw new UserError(where, {
      expected: `at most ${100 * maxFailed} % of ${total} videos to fail`,
      got: `${this.numFailed} failures, the last ${name}: ${reason}`,
      try: "--max-failed 1",
    });
  }

  private skip(file: string, reason: string): void {
    this.lastReason = reason;
    this.writer.skip(file, reason);
    this.options.onSkip?.(file, reason);
  }
}

/** Why something is left out that was never meant to be taken in, or cannot be on this machine. */
class NotTaken extends Error {}
