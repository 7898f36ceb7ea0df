import { open } from "node:fs/promises";

const TRAILER = 0x3b;
const TAIL_BYTES = 1024;

/**
 * Whether a GIF ends with its trailer; zeros after it are allowed. Decoders give out the first pictures of a GIF that
 * was cut short without a word. Source: GIF89a specification, section 27.
 */
export async function hasGifTrailer(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const tail = new Uint8Array(Math.min(size, TAIL_BYTES));
    await file.read(tail, 0, tail.length, size - tail.length);
    return tail.findLast((byte) => byte !== 0) === TRAILER;
  } finally {
    await file.close();
  }
}
