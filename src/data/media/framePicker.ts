import { CHANNELS, type ClipShape } from "../clip.ts";
import type { Video } from "./video.ts";

/** Keeps some frames of a video that goes by, evenly chosen, the first and the last among them. */
export class FramePicker {
  private readonly chosen: ReadonlySet<number>;
  private readonly shape: ClipShape;
  private readonly kept: Uint8Array[] = [];
  private seen = 0;

  /** @param shape of the whole video. @param limit frames to keep at most. */
  constructor(shape: ClipShape, limit: number) {
    this.shape = shape;
    this.chosen = new Set(evenNumbers(shape.frames, limit));
  }

  /** The same frames, looked at as they pass. */
  async *watch(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const bytes = this.shape.height * this.shape.width * CHANNELS;
    for await (const some of frames) {
      for (let at = 0; at < some.length; at += bytes) {
        if (this.chosen.has(this.seen++)) this.kept.push(some.slice(at, at + bytes));
      }
      yield some;
    }
  }

  /** What was kept, as a video of its own. */
  video(fps: number): Video {
    return { ...this.shape, frames: this.kept.length, frames_THWC: Buffer.concat(this.kept), fps };
  }
}

/** At most `limit` of the numbers below `count`: the first, the last and evenly between. */
export function evenNumbers(count: number, limit: number): number[] {
  if (count <= limit) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: limit }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, limit - 1)));
}
