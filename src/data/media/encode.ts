import { extname } from "node:path";
import sharp from "sharp";
import { UserError } from "../../base/errors.ts";
import { writeFileAtomic } from "../../base/files.ts";
import { CHANNELS } from "../clip.ts";
import { encodeMp4, mp4Encoder } from "./encodeMp4.ts";
import { checkVideo, enlarge, type Video } from "./video.ts";

/** Formats that `writeVideo` knows, by file ending. */
export const VIDEO_FORMATS = ["mp4", "webp", "gif"] as const;
export type VideoFormat = (typeof VIDEO_FORMATS)[number];

const WEBP_QUALITY = 92;
const GIF_TICK_MS = 10;
/** WebP of at most so many pixels in all is lossless. */
const LOSSLESS_PIXELS = 2 ** 22;

/**
 * Writes a video; the ending of `path` says how: mp4, webp (animated) or gif. The same video gives the same bytes.
 * @param upscale whole factor by which every pixel is enlarged.
 * @throws UserError when the ending is another, or mp4 cannot be encoded here.
 */
export async function writeVideo(path: string, video: Video, { upscale = 1 } = {}): Promise<void> {
  const format = extname(path).slice(1).toLowerCase();
  checkVideo(path, video);
  const large = enlarge(video, upscale);
  if (format === "mp4") await writeFileAtomic(path, await encodeMp4(large));
  else if (format === "webp" || format === "gif") await writeFileAtomic(path, await encodeAnimation(large, format));
  else throw new UserError(path, { expected: `a name ending in ${VIDEO_FORMATS.join(", ")}`, got: `.${format}` });
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
