import { extname } from "node:path";
import { UserError } from "../../base/errors.ts";
import { loadLibav } from "../media/libav.ts";
import { hasProgram } from "../media/systemFfmpeg.ts";
import { type Decoder, PICTURE_ENDINGS, VIDEO_ENDINGS } from "./decoder.ts";
import { FfmpegDecoder } from "./ffmpegDecoder.ts";
import { IsolatedDecoder } from "./isolatedDecoder.ts";

/** What may decode. `auto` takes the first that is there. */
export const DECODERS = ["auto", "node-av", "ffmpeg", "sharp"] as const;
export type DecoderChoice = (typeof DECODERS)[number];

/** FFmpeg does not read animated WebP; sharp does, and GIF and pictures too. */
const FFMPEG_ENDINGS = VIDEO_ENDINGS.filter((ending) => ending !== "webp");
const SHARP_ENDINGS = ["gif", "webp", ...PICTURE_ENDINGS] as const;
const SHARP_BESIDE_FFMPEG = ["webp", ...PICTURE_ENDINGS] as const;

/** The decoders to use, best first. @throws UserError when the chosen one is not there. */
export async function openDecoders(choice: DecoderChoice, timeoutMs: number): Promise<Decoder[]> {
  const sharpAlone = new IsolatedDecoder("sharp", "sharp", SHARP_ENDINGS, timeoutMs);
  const sharp = new IsolatedDecoder("sharp", "sharp", SHARP_BESIDE_FFMPEG, timeoutMs);
  if (choice === "sharp") return [sharpAlone];
  const libav = choice === "ffmpeg" ? undefined : await loadLibav();
  if (libav !== undefined) {
    const name = `node-av (FFmpeg ${libav.lib.getFFmpegInfo().version})`;
    return [new IsolatedDecoder("node-av", name, FFMPEG_ENDINGS, timeoutMs), sharp];
  }
  const hasFfmpeg = choice !== "node-av" && (await hasProgram("ffmpeg")) && (await hasProgram("ffprobe"));
  if (hasFfmpeg) return [new FfmpegDecoder("the system's ffmpeg", FFMPEG_ENDINGS, timeoutMs), sharp];
  if (choice === "auto") return [sharpAlone];
  throw new UserError("decoder", { expected: `${choice} on this machine`, got: "none", try: "--decoder auto" });
}

/** The first decoder that takes this file, by its ending. */
export function decoderFor(decoders: readonly Decoder[], file: string): Decoder | undefined {
  const ending = extname(file).slice(1).toLowerCase();
  return decoders.find(({ endings }) => endings.includes(ending));
}
