import { createReadStream } from "node:fs";
import { extname } from "node:path";
import sharp from "sharp";
import { UserError } from "../../base/errors.ts";
import { writeFileAtomic } from "../../base/files.ts";
import { CHANNELS } from "../clip.ts";
import { mp4Encoder, withMp4 } from "./encodeMp4.ts";
import { checkRate, checkVideo, type FrameFormat, type Frames, singleFrames, type Video } from "./video.ts";

/** Formats that `writeVideo` knows, by file ending. */
export const VIDEO_FORMATS = ["mp4", "webp", "gif"] as const;
export type VideoFormat = (typeof VIDEO_FORMATS)[number];

const WEBP_QUALITY = 92;
const GIF_TICK_MS = 10;
/** WebP of at most so many pixels in all is lossless. */
const LOSSLESS_PIXELS = 2 ** 22;

export interface WriteOptions {
  /** Whole factor by which every pixel is enlarged. */
  readonly upscale?: number;
}

/**
 * Writes a video; the ending of `path` says how: mp4, webp (animated) or gif. The same video gives the same bytes.
 * @throws UserError when the ending is another, or mp4 cannot be encoded here.
 */
export async function writeVideo(path: string, video: Video, options: WriteOptions = {}): Promise<void> {
  checkVideo(path, video);
  await writeFrames(path, video, [video.frames_THWC], options);
}

/**
 * The same of frames as they come. mp4 is written as they do, in memory that does not grow with their number; webp and
 * gif hold all of them. Nothing is left when they end in an error.
 */
export async function writeFrames(
  path: string,
  { height, width, fps }: FrameFormat,
  frames: Frames,
  { upscale = 1 }: WriteOptions = {},
): Promise<void> {
  checkRate(path, fps);
  const format = extname(path).slice(1).toLowerCase();
  const large = { height: height * upscale, width: width * upscale, fps };
  const single = singleFrames({ height, width, fps }, frames, upscale);
  if (format === "mp4") await withMp4(large, single, (file) => writeFileAtomic(path, createReadStream(file)));
  else if (format === "webp" || format === "gif") {
    const all: Uint8Array[] = [];
    for await (const frame of single) all.push(frame);
    const video = { ...large, frames: all.length, frames_THWC: Buffer.concat(all) };
    await writeFileAtomic(path, await encodeAnimation(video, format));
  } else throw new UserError(path, { expected: `a name ending in ${VIDEO_FORMATS.join(", ")}`, got: `.${format}` });
}

/** `mp4` where something can encode it, else `webp`. */
export async function bestVideoFormat(): Promise<VideoFormat> {
  return (await mp4Encoder()) === undefined ? "webp" : "mp4";
}

/** Animated WebP or GIF that repeats for ever. */
async function encodeAnimation(video: Video, format: "webp" | "gif"): Promise<Uint8Array> {
  const { frames_THWC, frames, height, width, fps } = video;
  const raw = { width, height: height * frames, channels: CHANNELS, pageHeight: height } as const;
  const image = sharp(frames_THWC, { raw });
  const delay = delays(frames, fps, format === "gif" ? GIF_TICK_MS : 1);
  const timing = { delay, loop: 0 };
  if (format === "gif") return image.gif({ ...timing, keepDuplicateFrames: true }).toBuffer();
  const lossless = frames * height * width <= LOSSLESS_PIXELS;
  return image.webp({ ...timing, lossless, quality: WEBP_QUALITY, minSize: lossless }).toBuffer();
}

/** Milliseconds that each frame is shown, in whole ticks. Their sum stays true to the rate. */
function delays(frames: number, fps: number, tickMs: number): number[] {
  const endOf = (frame: number): number => tickMs * Math.round((frame * 1000) / fps / tickMs);
  return Array.from({ length: frames }, (_, i) => endOf(i + 1) - endOf(i));
}
