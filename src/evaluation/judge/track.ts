import type { Colour } from "../../data/shapes/grammar.ts";
import { CORE_COVER, type ColourMask } from "./masks.ts";

/** An object in one frame. */
export interface Sight {
  readonly frame: number;
  /** Pixels covered. */
  readonly area: number;
  /** Centre of what is covered, in pixels. */
  readonly x: number;
  readonly y: number;
  /** Parts of the object's colour that do not touch, those of some size. */
  readonly parts: number;
  readonly cover_HW: Float32Array;
}

/** One colour through a clip: the frames in which there is something of it. */
export interface Track {
  readonly colour: Colour;
  readonly sights: readonly Sight[];
  /** Area in the frame where most is seen. */
  readonly largest: number;
}

/** Least area that is something, in pixels, and as a share of the largest area of the same object. */
const LEAST_AREA = 3;
const LEAST_SHARE = 0.12;
/** A colour that covers less, at its largest, is a flaw of another object. In pixels, and against the largest object. */
const LEAST_OBJECT = 7;
const LEAST_OBJECT_SHARE = 0.05;
/** A part of an object's colour that is smaller than this share of it does not count as a part. */
const LEAST_PART = 0.25;
/** Objects are seen in at least this share of the frames. */
const LEAST_PRESENCE = 0.3;

export interface FrameSize {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** The objects of a clip by colour, largest first. */
export function tracksOf(masks: readonly ColourMask[], size: FrameSize): Track[] {
  const tracks = masks.map((mask) => trackOf(mask, size)).sort((a, b) => b.largest - a.largest);
  const least = Math.max(LEAST_OBJECT, LEAST_OBJECT_SHARE * (tracks[0]?.largest ?? 0));
  return tracks.filter(
    ({ largest, sights }) => largest >= least && sights.length >= Math.max(1, LEAST_PRESENCE * size.frames),
  );
}

function trackOf({ colour, cover_THW }: ColourMask, { frames, height, width }: FrameSize): Track {
  const sights = Array.from({ length: frames }, (_, frame) =>
    sightOf(cover_THW.subarray(frame * height * width, (frame + 1) * height * width), frame, width),
  );
  const largest = Math.max(...sights.map(({ area }) => area));
  const least = Math.max(LEAST_AREA, LEAST_SHARE * largest);
  return { colour, largest, sights: sights.filter(({ area }) => area >= least) };
}

function sightOf(cover_HW: Float32Array, frame: number, width: number): Sight {
  let [core, area, sumX, sumY] = [0, 0, 0, 0];
  cover_HW.forEach((cover, i) => {
    if (cover >= CORE_COVER) core += cover;
    area += cover;
    sumX += cover * ((i % width) + 0.5);
    sumY += cover * (Math.floor(i / width) + 0.5);
  });
  // Edges without a core are blurs of something else.
  if (core === 0) return { frame, area: 0, x: 0, y: 0, parts: 0, cover_HW };
  return { frame, area, x: sumX / area, y: sumY / area, parts: partsOf(cover_HW, width), cover_HW };
}

/** Number of parts of the core that do not touch, corners included. */
function partsOf(cover_HW: Float32Array, width: number): number {
  const seen = new Uint8Array(cover_HW.length);
  const sizes: number[] = [];
  for (let start = 0; start < cover_HW.length; start++) {
    if (seen[start] === 1 || (cover_HW[start] as number) < CORE_COVER) continue;
    let size = 0;
    const open = [start];
    seen[start] = 1;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      size++;
      for (const next of neighbours(at, width, cover_HW.length)) {
        if (seen[next] === 1 || (cover_HW[next] as number) < CORE_COVER) continue;
        seen[next] = 1;
        open.push(next);
      }
    }
    sizes.push(size);
  }
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return sizes.filter((size) => size >= LEAST_PART * total).length;
}

function neighbours(at: number, width: number, numPixels: number): number[] {
  const [x, y] = [at % width, Math.floor(at / width)];
  const height = numPixels / width;
  const found: number[] = [];
  for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
      found.push(row * width + column);
    }
  }
  return found;
}
