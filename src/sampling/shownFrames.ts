import { clipBytes } from "../data/clip.ts";
import type { VaeCodec } from "../models/vae/vaeCodec.ts";
import { vaeFactor } from "../models/vae/vaeConfig.ts";
import { latentFrames } from "./latentVideo.ts";
import type { Part } from "./modes/modePlan.ts";

/** The shown frames of all parts, one part after the other, some at a time: T H W C as bytes. */
export async function* shownFrames(
  codec: VaeCodec,
  parts: readonly Part[],
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const { latents, shown } of parts) {
    const [time, space] = vaeFactor(codec.cfg);
    const { grid } = latents;
    // No later latent changes an earlier frame.
    const needed = latentFrames(latents, 0, Math.min(grid.t, 1 + Math.ceil((shown[1] - 1) / time)));
    const decoded = codec.decodeStream([needed.latent_thwz], grid, needed.grid.t);
    yield* framesBetween(decoded, shown, clipBytes({ frames: 1, height: grid.h * space, width: grid.w * space }));
  }
}

/** Frames `first` to `end - 1` of those that come; what comes after them is not asked for. */
export async function* framesBetween(
  source: AsyncIterable<Uint8Array>,
  [first, end]: readonly [number, number],
  frameBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0;
  for await (const some of source) {
    const count = some.length / frameBytes;
    const [from, to] = [Math.max(0, first - at), Math.min(count, end - at)];
    if (from < to) yield some.subarray(from * frameBytes, to * frameBytes);
    at += count;
    if (at >= end) return;
  }
}

/** The middle of each frame. @param from and `to` sizes of frames in pixels, `to` not the larger. */
export async function* cropped(
  source: AsyncIterable<Uint8Array>,
  from: { readonly height: number; readonly width: number },
  to: { readonly height: number; readonly width: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const [frame, row] = [clipBytes({ frames: 1, ...from }), clipBytes({ frames: 1, height: 1, width: to.width })];
  const top = Math.floor((from.height - to.height) / 2);
  const left = Math.floor((from.width - to.width) / 2);
  for await (const frames of source) {
    const numRows = (frames.length / frame) * to.height;
    const middle = new Uint8Array(numRows * row);
    for (let i = 0; i < numRows; i++) {
      const y = Math.floor(i / to.height) * from.height + top + (i % to.height);
      const at = clipBytes({ frames: 1, height: 1, width: y * from.width + left });
      middle.set(frames.subarray(at, at + row), i * row);
    }
    yield middle;
  }
}
