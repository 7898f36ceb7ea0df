import type { Video } from "../../data/media/video.ts";
import { COLOURS, type Colour, colours, type Rgb } from "../../data/shapes/grammar.ts";
import { fitPlane } from "./plane.ts";

/** How much of each pixel an object of one colour covers, in [0, 1]. Shape: T H W. */
export interface ColourMask {
  readonly colour: Colour;
  readonly cover_THW: Float32Array;
}

/** Least cover that is looked at: below it lie blurs and the bar's brown. */
const LEAST_COVER = 0.25;
/** Cover from which a pixel belongs to an object rather than to its edge. */
export const CORE_COVER = 0.42;
/** Saturation, against the colour's own, from which a pixel is no neutral one. */
const TINTED = 0.15;
/** Hues further than this from every colour of the palette belong to none, as the cosine of the angle. */
const LEAST_HUE_MATCH = 0.9;
/** Brightness above which a neutral background hides white objects: then there are none. */
const LIGHT_GROUND = 170;
/** Least step in brightness from the background to white. */
const LEAST_WHITE_STEP = 60;

interface Hue {
  readonly colour: Colour;
  readonly direction: Rgb;
  readonly saturation: number;
}

const hues: readonly Hue[] = COLOURS.filter((colour) => colour !== "white").map((colour) => ({
  colour,
  direction: hueOf(colours[colour]),
  saturation: saturationOf(colours[colour]),
}));

/**
 * Finds the palette's colours in a clip. Backgrounds are neutral, so a pixel's saturation tells how much of it a colour
 * covers, and its hue which; white is told by its brightness above the background's.
 */
export function colourMasks({ frames_THWC, frames, height, width }: Video): ColourMask[] {
  const numPixels = frames * height * width;
  const covers = new Map<Colour, Float32Array>();
  const coverOf = (colour: Colour): Float32Array => {
    const known = covers.get(colour) ?? new Float32Array(numPixels);
    covers.set(colour, known);
    return known;
  };
  const coloured = new Uint8Array(numPixels);
  for (let i = 0; i < numPixels; i++) {
    const rgb = rgbAt(frames_THWC, i);
    const saturation = saturationOf(rgb);
    const hue = nearestHue(rgb);
    if (saturation > TINTED * (hue?.saturation ?? 255)) coloured[i] = 1;
    if (hue === undefined || saturation < LEAST_COVER * hue.saturation) continue;
    coverOf(hue.colour)[i] = Math.min(1, saturation / hue.saturation);
  }
  const white = whiteCover({ frames_THWC, frames, height, width }, coloured);
  if (white !== undefined) covers.set("white", white);
  return [...covers].map(([colour, cover_THW]) => ({ colour, cover_THW }));
}

/** Cover of white pixels; undefined where the background is as bright. */
function whiteCover(
  { frames_THWC, frames, height, width }: Omit<Video, "fps">,
  coloured: Uint8Array,
): Float32Array | undefined {
  const size = height * width;
  const cover_THW = new Float32Array(frames * size);
  for (let t = 0; t < frames; t++) {
    const light = Float32Array.from({ length: size }, (_, i) => brightness(rgbAt(frames_THWC, t * size + i)));
    const plain = (i: number): boolean => coloured[t * size + i] === 0;
    const border = Array.from(light).filter((_, i) => plain(i) && onBorder(i, height, width));
    if (border.length === 0) continue;
    const dark = median(border);
    if (dark > LIGHT_GROUND) return undefined;
    const groundAt = fitPlane(light, width, (i) => plain(i) && (light[i] as number) < dark + LEAST_WHITE_STEP);
    for (let i = 0; i < size; i++) {
      if (!plain(i)) continue;
      const ground = groundAt(i % width, Math.floor(i / width));
      const cover = ((light[i] as number) - ground) / (brightness(colours.white) - ground);
      if (cover > LEAST_COVER) cover_THW[t * size + i] = Math.min(1, cover);
    }
  }
  return cover_THW;
}

function nearestHue(rgb: Rgb): Hue | undefined {
  const direction = hueOf(rgb);
  let best: Hue | undefined;
  let bestMatch = LEAST_HUE_MATCH;
  for (const hue of hues) {
    const match = dot(direction, hue.direction);
    if (match > bestMatch) [best, bestMatch] = [hue, match];
  }
  return best;
}

/** The colour without its grey part, as a unit vector. */
function hueOf([red, green, blue]: Rgb): Rgb {
  const mean = (red + green + blue) / 3;
  const norm = Math.hypot(red - mean, green - mean, blue - mean) || 1;
  return [(red - mean) / norm, (green - mean) / norm, (blue - mean) / norm];
}

function saturationOf(rgb: Rgb): number {
  return Math.max(...rgb) - Math.min(...rgb);
}

function brightness([red, green, blue]: Rgb): number {
  return (red + green + blue) / 3;
}

function dot(a: Rgb, b: Rgb): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function rgbAt(pixels: Uint8Array, i: number): Rgb {
  return [pixels[3 * i] as number, pixels[3 * i + 1] as number, pixels[3 * i + 2] as number];
}

function onBorder(i: number, height: number, width: number): boolean {
  const [x, y] = [i % width, Math.floor(i / width)];
  return x === 0 || y === 0 || x === width - 1 || y === height - 1;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
