import { assert } from "../base/errors.ts";
import type { ClipEntry } from "../data/clip.ts";
import { type Clips, wholeClips } from "../data/clips.ts";
import type { VaeCodec } from "../models/vae/vaeCodec.ts";

const PEAK = 255;

/** A clip and what the VAE makes of it, as bytes T H W C. */
export interface Reconstruction {
  readonly entry: ClipEntry;
  readonly original: Uint8Array;
  readonly decoded: Uint8Array;
  /** dB over all values of the clip, peak 255. */
  readonly psnr: number;
}

/** Encodes and decodes clips, one after the other. Damaged ones are noted and passed over. */
export async function* reconstruct(
  codec: VaeCodec,
  clips: Clips,
  entries: Iterable<ClipEntry>,
): AsyncGenerator<Reconstruction> {
  for await (const { entry, frames_THWC: original } of wholeClips(clips, entries)) {
    const clip = { t: entry.frames, h: entry.height, w: entry.width };
    const latent = await codec.encode(original, clip);
    const decoded = await codec.decode(latent, codec.latentGrid(clip));
    yield { entry, original, decoded, psnr: psnr(original, decoded) };
  }
}

/** Peak signal-to-noise ratio of two clips of bytes, in dB; 100 when they are equal. */
export function psnr(a: Uint8Array, b: Uint8Array): number {
  assert(a.length === b.length, "clips of the same size are compared");
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += ((a[i] as number) - (b[i] as number)) ** 2;
  return squares === 0 ? 100 : 10 * Math.log10(PEAK ** 2 / (squares / a.length));
}
