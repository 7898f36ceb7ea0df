import { createHash } from "node:crypto";
import { assert } from "../base/errors.ts";

/** A clip in memory: `frames_THWC` is T * H * W * 3 bytes of RGB, rows top to bottom. */
export interface Clip {
  readonly frames_THWC: Uint8Array;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  /** Frames a second; of no meaning when there is one frame. */
  readonly fps: number;
  readonly caption: string;
  /** Where it came from, for people: `bikes.mp4 @ 2.5 s`, `shapes seed 1 clip 17`. Not part of the content. */
  readonly source: string;
}

/** What is known of a stored clip without reading its pixels. */
export interface ClipEntry extends Omit<Clip, "frames_THWC"> {
  /** Position in the dataset. */
  readonly index: number;
  /** `clipHash` of the clip, in hex. */
  readonly hash: string;
}

/** Sides and length in pixels and frames. */
export interface ClipShape {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** Colour channels of a clip: red, green, blue. */
export const CHANNELS = 3;

/** Bytes of a clip's pixels. */
export function clipBytes({ frames, height, width }: ClipShape): number {
  return frames * height * width * CHANNELS;
}

/** `9x32x48`: frames, height, width. */
export function shapeKey({ frames, height, width }: ClipShape): string {
  return `${frames}x${height}x${width}`;
}

/** Content hash: sha256 in hex over shape, fps, caption and pixels. Two clips that look and read alike have one hash. */
export function clipHash(clip: Clip): string {
  assert(clip.frames_THWC.length === clipBytes(clip), `${clip.source}: pixels of ${shapeKey(clip)}`);
  const head = JSON.stringify([clip.frames, clip.height, clip.width, CHANNELS, clip.fps, clip.caption]);
  return createHash("sha256").update(head).update("\n").update(clip.frames_THWC).digest("hex");
}
