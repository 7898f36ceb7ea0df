import { CHANNELS } from "../clip.ts";
import type { Video } from "./video.ts";

/** Planar YUV frames, one after the other, each Y then U then V. */
export interface YuvVideo {
  readonly bytes: Uint8Array;
  readonly layout: YuvLayout;
  readonly bytesPerFrame: number;
}

/** `yuv420p` halves the colour planes in both directions and needs even sides; `yuv444p` keeps them whole. */
export type YuvLayout = "yuv420p" | "yuv444p";

export function yuvLayout({ height, width }: Pick<Video, "height" | "width">): YuvLayout {
  return height % 2 === 0 && width % 2 === 0 ? "yuv420p" : "yuv444p";
}

/** Weights of red and blue in luma. Source: ITU-R BT.709-6, item 3.2. */
const RED = 0.2126;
const BLUE = 0.0722;
const GREEN = 1 - RED - BLUE;

/** RGB to BT.709 YUV of limited range (Y 16..235, U and V 16..240). Even sides give yuv420p, which every player shows. */
export function toYuv({ frames_THWC, frames, height, width }: Video): YuvVideo {
  const layout = yuvLayout({ height, width });
  const step = layout === "yuv420p" ? 2 : 1;
  const pixels = height * width;
  const colours = pixels / step ** 2;
  const bytesPerFrame = pixels + 2 * colours;
  const bytes = new Uint8Array(frames * bytesPerFrame);
  for (let t = 0; t < frames; t++) {
    const frame_HWC = frames_THWC.subarray(t * pixels * CHANNELS, (t + 1) * pixels * CHANNELS);
    const planes = bytes.subarray(t * bytesPerFrame, (t + 1) * bytesPerFrame);
    for (let i = 0; i < pixels; i++) planes[i] = Math.round(16 + (219 * luma(frame_HWC, i)) / 255);
    for (let y = 0, at = pixels; y < height; y += step) {
      for (let x = 0; x < width; x += step, at++) {
        const [u, v] = chroma(frame_HWC, width, x, y, step);
        planes[at] = u;
        planes[at + colours] = v;
      }
    }
  }
  return { bytes, layout, bytesPerFrame };
}

/** Luma in [0, 255]. */
function luma(frame_HWC: Uint8Array, pixel: number): number {
  const at = pixel * CHANNELS;
  const [red, green, blue] = [frame_HWC[at] as number, frame_HWC[at + 1] as number, frame_HWC[at + 2] as number];
  return RED * red + GREEN * green + BLUE * blue;
}

/** Colour differences of a square of pixels, as bytes. */
function chroma(frame_HWC: Uint8Array, width: number, x: number, y: number, step: number): [number, number] {
  let red = 0;
  let blue = 0;
  let grey = 0;
  for (let row = y; row < y + step; row++) {
    for (let column = x; column < x + step; column++) {
      const pixel = row * width + column;
      red += frame_HWC[pixel * CHANNELS] as number;
      blue += frame_HWC[pixel * CHANNELS + 2] as number;
      grey += luma(frame_HWC, pixel);
    }
  }
  const scale = 224 / 255 / step ** 2;
  return [
    Math.round(128 + (scale * (blue - grey)) / (2 * (1 - BLUE))),
    Math.round(128 + (scale * (red - grey)) / (2 * (1 - RED))),
  ];
}
