import { assert } from "../../base/errors.ts";

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Which sizes clips may have. */
export type SizeRule = FreeSizes | SetSizes;

export interface FreeSizes {
  /** Both sides are multiples of this. */
  readonly multiple: number;
  /** Pixels of a frame at most. */
  readonly maxPixels: number;
}

/** One of these, at least one; smaller pictures are enlarged. */
export interface SetSizes {
  readonly sizes: readonly Size[];
}

/** How much a smaller picture weighs against a truer aspect ratio: a lost factor e of area as much as e^0.25 of ratio. */
const AREA_WEIGHT = 0.25;

/**
 * The size into which a picture is scaled and cropped: sides by the rule, an aspect ratio as near as its own, and an area
 * as large as allowed. Pictures are not enlarged, except to the smallest size or to one of a set.
 */
export function chooseSize(picture: Size, rule: SizeRule): Size {
  return "sizes" in rule ? nearestSize(picture, rule.sizes) : freeSize(picture, rule);
}

/** The size whose aspect ratio is nearest; of several, the first. */
function nearestSize(picture: Size, sizes: readonly Size[]): Size {
  const ratio = ({ width, height }: Size): number => Math.log(width / height);
  const distance = (size: Size): number => Math.abs(ratio(size) - ratio(picture));
  const [first, ...others] = sizes;
  assert(first !== undefined, "a size to choose");
  return others.reduce((best, size) => (distance(size) < distance(best) - 1e-9 ? size : best), first);
}

function freeSize({ width, height }: Size, { multiple, maxPixels }: FreeSizes): Size {
  assert(multiple ** 2 <= maxPixels, "the smallest size is allowed");
  const ratio = width / height;
  let best: Size = { width: multiple, height: multiple };
  let least = cost(best, ratio, maxPixels);
  for (let high = multiple; high <= height; high += multiple) {
    for (let wide = multiple; wide <= width && wide * high <= maxPixels; wide += multiple) {
      const candidate = { width: wide, height: high };
      const itsCost = cost(candidate, ratio, maxPixels);
      if (itsCost < least) [best, least] = [candidate, itsCost];
    }
  }
  return best;
}

function cost({ width, height }: Size, ratio: number, maxPixels: number): number {
  return Math.abs(Math.log(width / height / ratio)) + AREA_WEIGHT * Math.log(maxPixels / (width * height));
}

/** The picture's size when it just covers `size`; what stands over is cropped evenly. */
export function coverSize(picture: Size, size: Size): Size {
  const scale = Math.max(size.width / picture.width, size.height / picture.height);
  return {
    width: Math.max(size.width, Math.round(picture.width * scale)),
    height: Math.max(size.height, Math.round(picture.height * scale)),
  };
}

/** What a container says of its pictures. */
export interface StoredPicture extends Size {
  /** Width of a pixel over its height. */
  readonly pixelAspect: number;
  /** Degrees by which players turn it clockwise: 0, 90, 180 or 270. */
  readonly turn: number;
}

/** The size at which a player shows the picture, square pixels. */
export function shownSize({ width, height, pixelAspect, turn }: StoredPicture): Size {
  const wide = Math.max(1, Math.round(width * pixelAspect));
  return turn % 180 === 0 ? { width: wide, height } : { width: height, height: wide };
}

const TURNS: Readonly<Record<number, string>> = {
  90: "transpose=clock,",
  180: "hflip,vflip,",
  270: "transpose=cclock,",
};

/**
 * FFmpeg's filters from decoded frames to frames of `size` at a steady rate: turned upright, resampled in time to the
 * nearest frame, averaged down, cropped, RGB.
 */
export function filterChain(picture: StoredPicture, size: Size, fps: number, isBt709: boolean): string {
  const cover = coverSize(shownSize(picture), size);
  const matrix = isBt709 ? "bt709" : "bt601";
  return [
    `${TURNS[picture.turn] ?? ""}setpts=PTS-STARTPTS`,
    `fps=${fps}`,
    `scale=${cover.width}:${cover.height}:flags=area+accurate_rnd+full_chroma_int:in_color_matrix=${matrix}`,
    `crop=${size.width}:${size.height}`,
    "format=rgb24",
  ].join();
}

/** Untagged video is BT.709 from 720 lines on, BT.601 below, as players assume. */
export function assumesBt709(height: number): boolean {
  return height >= 720;
}
