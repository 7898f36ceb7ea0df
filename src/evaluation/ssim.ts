import { assert } from "../base/errors.ts";
import { CHANNELS, type ClipShape } from "../data/clip.ts";

/** Side of the window, and the constants for values in [0, 255], as the paper has them. */
const WINDOW = 7;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

/**
 * Structural similarity of two clips of bytes: mean over frames, channels and all 7 x 7 windows; 1 when equal. A frame
 * smaller than a window is one window. Shapes: T H W C. Source: Wang et al. 2004, eq. 13, with uniform windows.
 */
export function ssim(a: Uint8Array, b: Uint8Array, { frames, height, width }: ClipShape): number {
  assert(a.length === b.length && a.length === frames * height * width * CHANNELS, "clips of the same size");
  const window = { height: Math.min(WINDOW, height), width: Math.min(WINDOW, width) };
  let sum = 0;
  let count = 0;
  for (let plane = 0; plane < frames * CHANNELS; plane++) {
    const first = Math.floor(plane / CHANNELS) * height * width * CHANNELS + (plane % CHANNELS);
    for (let top = 0; top + window.height <= height; top++) {
      for (let left = 0; left + window.width <= width; left++) {
        sum += windowSsim(a, b, first + (top * width + left) * CHANNELS, width * CHANNELS, window);
        count++;
      }
    }
  }
  return sum / count;
}

function windowSsim(
  a: Uint8Array,
  b: Uint8Array,
  first: number,
  stride: number,
  window: { readonly height: number; readonly width: number },
): number {
  let [sumA, sumB, sumAA, sumBB, sumAB] = [0, 0, 0, 0, 0];
  for (let row = 0; row < window.height; row++) {
    for (let column = 0; column < window.width; column++) {
      const at = first + row * stride + column * CHANNELS;
      const [x, y] = [a[at] as number, b[at] as number];
      sumA += x;
      sumB += y;
      sumAA += x * x;
      sumBB += y * y;
      sumAB += x * y;
    }
  }
  const n = window.height * window.width;
  const [meanA, meanB] = [sumA / n, sumB / n];
  const spread = (sumAA + sumBB) / (n - 1) - (n / (n - 1)) * (meanA * meanA + meanB * meanB);
  const shared = sumAB / (n - 1) - (n / (n - 1)) * meanA * meanB;
  return ((2 * meanA * meanB + C1) * (2 * shared + C2)) / ((meanA * meanA + meanB * meanB + C1) * (spread + C2));
}
