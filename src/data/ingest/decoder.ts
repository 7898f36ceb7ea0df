import type { FreeSizes, SetSizes, Size } from "./geometry.ts";

/** A file to decode, and to what. */
export type DecodeRequest = FileRequest & (FreeSizes | SetSizes);

interface FileRequest {
  readonly path: string;
  /** Frames a second to resample to. */
  readonly fps: number;
  /** Bytes of frames at most: a longer video is refused. */
  readonly maxBytes: number;
}

/** A video at a steady rate and final size. */
export interface DecodedVideo extends Size {
  readonly frames: number;
  /** T H W C bytes of RGB. */
  readonly frames_THWC: Uint8Array;
  /** Damaged places that the decoder met and went over. */
  readonly numErrors: number;
  /** What the first of them was; empty when there is none. */
  readonly firstError: string;
}

/** Something that decodes video files. */
export interface Decoder {
  /** For people: `node-av (FFmpeg 8.1)`. */
  readonly name: string;
  /** Endings of files that it takes, in lower case without the dot. */
  readonly endings: readonly string[];
  /** @throws Error with the reason when the file cannot be opened, holds no video, is too long, or takes too long. */
  decode(request: DecodeRequest): Promise<DecodedVideo>;
  close(): Promise<void>;
}

/** Endings of files that FFmpeg decodes. */
export const VIDEO_ENDINGS = ["mp4", "m4v", "mov", "mkv", "webm", "avi", "gif", "webp"] as const;

/** Endings of pictures: clips of one frame. */
export const PICTURE_ENDINGS = ["jpg", "jpeg", "png"] as const;

/** Joins frames. @throws Error when there are none. */
export function joinFrames(frames: readonly Uint8Array[], size: Size, errors: readonly string[]): DecodedVideo {
  if (frames.length === 0)
    throw new Error(`no frame could be decoded${errors[0] === undefined ? "" : `: ${errors[0]}`}`);
  const frames_THWC = new Uint8Array(Buffer.concat(frames));
  return {
    ...size,
    frames: frames.length,
    frames_THWC,
    numErrors: errors.length,
    firstError: errors[0] ?? "",
  };
}

/** The reason why a video is refused for its length. */
export function tooLong(maxBytes: number): Error {
  return new Error(`longer than ${Math.round(maxBytes / 2 ** 20)} MiB of frames; cut it into pieces`);
}
