import { assert } from "../../base/errors.ts";
import type { KeyedRandom } from "../../base/random.ts";
import { CHANNELS, type ClipShape, clipBytes } from "../clip.ts";
import type { ClipView } from "./views.ts";

/** Where in a clip a view is taken from. */
export interface ClipWindow {
  /** First frame, row and column. */
  readonly start: number;
  readonly top: number;
  readonly left: number;
  /** Columns from right to left. */
  readonly mirrored: boolean;
}

/** Draws a window, all places alike; mirrored half of the time where `flip` is set. */
export function drawWindow(random: KeyedRandom, clip: ClipShape, view: ClipView, flip: boolean): ClipWindow {
  const span = (view.frames - 1) * view.stride + 1;
  const [start, top, left, mirror] = [
    random.int(clip.frames - span + 1),
    random.int(clip.height - view.height + 1),
    random.int(clip.width - view.width + 1),
    random.int(2),
  ];
  return { start, top, left, mirrored: flip && mirror === 1 };
}

/** The pixels of a view. Shapes: frames_THWC of the clip -> thwC of the view; the same memory where that is the whole. */
export function cutWindow(
  frames_THWC: Uint8Array,
  clip: ClipShape,
  view: ClipView,
  { start, top, left, mirrored }: ClipWindow,
): Uint8Array {
  const isWhole = view.frames === clip.frames && view.height === clip.height && view.width === clip.width;
  if (isWhole && !mirrored) return frames_THWC.subarray(0, clipBytes(clip));
  assert(start + (view.frames - 1) * view.stride < clip.frames, "the window lies in the clip");
  const out_thwC = new Uint8Array(clipBytes(view));
  const rowBytes = view.width * CHANNELS;
  let out = 0;
  for (let t = 0; t < view.frames; t++) {
    for (let h = 0; h < view.height; h++) {
      const row = (start + t * view.stride) * clip.height + top + h;
      const first = (row * clip.width + left) * CHANNELS;
      const line = frames_THWC.subarray(first, first + rowBytes);
      if (mirrored) mirror(line, out_thwC.subarray(out, out + rowBytes));
      else out_thwC.set(line, out);
      out += rowBytes;
    }
  }
  return out_thwC;
}

/** Pixels of a row in the other order. */
function mirror(from: Uint8Array, into: Uint8Array): void {
  for (let i = 0; i < from.length; i += CHANNELS) {
    for (let c = 0; c < CHANNELS; c++) into[from.length - CHANNELS - i + c] = from[i + c] as number;
  }
}
