import { assert } from "../../base/errors.ts";
import type { Volume } from "./chunkPrograms.ts";
import { type VaeConfig, vaeFactor } from "./vaeConfig.ts";

/** A stretch of cells. */
export interface Span {
  readonly start: number;
  readonly size: number;
}

/** One side of a tile: what it reads, and which part of that it gives. Kept parts follow one another without gaps. */
export interface TileSide {
  readonly read: Span;
  readonly keep: Span;
}

/** Part of a frame that is computed by itself, in latent rows and columns. */
export interface Tile {
  readonly h: TileSide;
  readonly w: TileSide;
}

/** Latent rows and columns that lie apart by more do not touch each other: the reach of all kernels, in latent cells. */
export function reachOf({ levels }: VaeConfig): { h: number; w: number } {
  const sum = { h: 0, w: 0 };
  // Latent cells that one cell of the level spans.
  let cell = 1;
  for (const { blocks, kernel, down } of [...levels].reverse()) {
    // A block has two convolutions, each of which reaches half its kernel.
    sum.h += blocks * (kernel[1] - 1) * cell;
    sum.w += blocks * (kernel[2] - 1) * cell;
    cell /= down[1];
  }
  return { h: Math.ceil(sum.h), w: Math.ceil(sum.w) };
}

/**
 * Tiles of equal size that cover a frame of h x w latent cells. Each reads at least the net's reach beyond what it
 * gives, or to the frame's edge, so that what it gives is what the whole frame gives: no seam.
 * @param maxPixels pixels of a tile, as far as the reach allows: tiles have sides of at least four times it.
 */
export function tilesOf(vae: VaeConfig, { h, w }: { h: number; w: number }, maxPixels: number): Tile[] {
  const reach = reachOf(vae);
  const maxCells = maxPixels / vaeFactor(vae)[1] ** 2;
  if (h * w <= maxCells) return [{ h: wholeSide(h), w: wholeSide(w) }];
  // Near a square; longer where the other side is shorter than that.
  const square = Math.max(1, Math.floor(Math.sqrt(maxCells)));
  const most = (other: number): number => Math.floor(maxCells / Math.min(other, square));
  const columns = tileSides(w, reach.w, most(h));
  return tileSides(h, reach.h, most(w)).flatMap((row) => columns.map((column) => ({ h: row, w: column })));
}

function wholeSide(size: number): TileSide {
  return { read: { start: 0, size }, keep: { start: 0, size } };
}

/** As few tiles as the largest size allows, and then as small ones as that number allows. */
function tileSides(size: number, reach: number, most: number): TileSide[] {
  const largest = Math.max(most, 4 * reach, 1);
  if (size <= largest) return [wholeSide(size)];
  const count = Math.ceil((size - 2 * reach) / (largest - 2 * reach));
  const side = Math.ceil((size + 2 * reach * (count - 1)) / count);
  const starts = Array.from({ length: count }, (_, i) => Math.round((i * (size - side)) / (count - 1)));
  const cuts = starts.map((start, i) => {
    const before = starts[i - 1];
    return before === undefined ? 0 : Math.floor((start + before + side) / 2);
  });
  return starts.map((start, i) => {
    const first = cuts[i] as number;
    const end = cuts[i + 1] ?? size;
    assert(first === 0 || first - start >= reach, "a tile reads the reach before what it gives");
    assert(end === size || start + side - end >= reach, "a tile reads the reach after what it gives");
    return { read: { start, size: side }, keep: { start: first, size: end - first } };
  });
}

/**
 * Copies a window of each frame from one volume to another; `at` is where its corner lies in each. A frame that the
 * source lacks is left as it is.
 */
export function copyWindow(
  from: { readonly data: Float32Array; readonly volume: Volume; readonly at: readonly [number, number] },
  to: { readonly data: Float32Array; readonly volume: Volume; readonly at: readonly [number, number] },
  [frames, height, width]: readonly [number, number, number],
): void {
  const channels = from.volume[3];
  assert(to.volume[3] === channels, "both volumes have the same channels");
  for (let t = 0; t < frames; t++) {
    for (let y = 0; y < height; y++) {
      const source = placeOf(from.volume, t, from.at[0] + y, from.at[1]);
      to.data.set(from.data.subarray(source, source + width * channels), placeOf(to.volume, t, to.at[0] + y, to.at[1]));
    }
  }
}

function placeOf([, height, width, channels]: Volume, t: number, y: number, x: number): number {
  return ((t * height + y) * width + x) * channels;
}
