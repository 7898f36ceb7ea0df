import { assert, UserError } from "../../base/errors.ts";
import { CHANNELS, type ClipShape, clipBytes } from "../clip.ts";

/** Frames to look at: `T H W C` bytes of RGB. */
export interface Video extends ClipShape {
  readonly frames_THWC: Uint8Array;
  /** Frames a second. */
  readonly fps: number;
}

/** Frames of a video as they come: each array holds a whole number of them, `T H W C` bytes of RGB. */
export type Frames = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Size of a video's frames, and how fast they follow each other. */
export type FrameFormat = Pick<Video, "height" | "width" | "fps">;

/** One frame at a time, each enlarged. */
export async function* singleFrames(
  { height, width, fps }: FrameFormat,
  frames: Frames,
  upscale: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = clipBytes({ frames: 1, height, width });
  for await (const some of frames) {
    assert(some.length % bytes === 0, `frames of ${height}x${width} pixels`);
    for (let at = 0; at < some.length; at += bytes) {
      yield enlarge({ frames: 1, height, width, fps, frames_THWC: some.subarray(at, at + bytes) }, upscale).frames_THWC;
    }
  }
}

/** Checks that a rate can be written. */
export function checkRate(where: string, fps: number): void {
  if (!(fps > 0 && fps <= 1000)) throw new UserError(where, { expected: "0 to 1000 frames a second", got: `${fps}` });
}

/** Checks that the pixels fit the shape and the rate can be written. */
export function checkVideo(where: string, { frames_THWC, fps, ...shape }: Video): void {
  assert(frames_THWC.length === clipBytes(shape) && shape.frames > 0, `${where}: pixels fit the shape`);
  checkRate(where, fps);
}

/** Enlarges every pixel to a square of `factor` pixels, so that tiny clips can be looked at. */
export function enlarge(video: Video, factor: number): Video {
  assert(Number.isInteger(factor) && factor >= 1, "a whole factor");
  if (factor === 1) return video;
  const { frames, height, width, frames_THWC, fps } = video;
  const large = { frames, height: height * factor, width: width * factor, fps };
  const out_THWC = new Uint8Array(clipBytes(large));
  const rowBytes = large.width * CHANNELS;
  for (let row = 0; row < frames * height; row++) {
    const start = row * factor * rowBytes;
    for (let x = 0; x < large.width; x++) {
      const from = (row * width + Math.floor(x / factor)) * CHANNELS;
      for (let c = 0; c < CHANNELS; c++) out_THWC[start + x * CHANNELS + c] = frames_THWC[from + c] as number;
    }
    for (let copy = 1; copy < factor; copy++) out_THWC.copyWithin(start + copy * rowBytes, start, start + rowBytes);
  }
  return { ...large, frames_THWC: out_THWC };
}

/** A rate as a fraction in lowest terms, to a thousandth of a frame a second. */
export function rateFraction(fps: number): readonly [number, number] {
  const thousandths = Math.max(1, Math.round(fps * 1000));
  let [divisor, rest] = [1000, thousandths % 1000];
  while (rest > 0) [divisor, rest] = [rest, divisor % rest];
  return [thousandths / divisor, 1000 / divisor];
}
