import { gridKey } from "../../../src/base/grid.ts";
import { KeyedRandom } from "../../../src/base/random.ts";
import type { GridShare } from "../../../src/data/plans/plan.ts";
import { shares } from "./setting.ts";

/** Ten histograms of different character: what the planner is measured on. */
export const HISTOGRAMS: Readonly<Record<string, readonly GridShare[]>> = {
  "one grid": shares(["5x8x8", 1000]),
  "40 grids, long tail": longTail(),
  "half images": shares(
    ["1x8x8", 3000],
    ["1x16x16", 1500],
    ["1x8x12", 700],
    ["1x12x8", 500],
    ["5x8x8", 2500],
    ["5x8x12", 1200],
    ["9x8x8", 800],
    ["9x16x16", 300],
    ["17x8x8", 500],
    ["17x16x16", 100],
  ),
  "nearly all one giant": shares(["17x16x16", 9900], ["1x16x16", 50], ["5x8x8", 30], ["1x2x2", 20]),
  random: random(),
  "prime sizes": shares(
    ["1x1x251", 100],
    ["1x1x241", 80],
    ["1x1x397", 300],
    ["1x1x509", 50],
    ["1x1x127", 500],
    ["1x1x83", 700],
    ["1x1x613", 40],
  ),
  "all just above half": shares(["9x8x8", 500], ["1x24x24", 400], ["3x14x14", 300]),
  "40 grids, equally often": Array.from({ length: 40 }, (_, i) => ({
    grid: { t: 1 + (i % 8), h: 6 + 2 * Math.floor(i / 8), w: 8 },
    count: 100,
  })),
  "30 grids, each 0.6 of the one before": Array.from({ length: 30 }, (_, i) => ({
    grid: { t: 1 + ((i * 7) % 13), h: 4 + 2 * (i % 4), w: 4 + 2 * (i % 5) },
    count: Math.max(1, Math.round(1e6 * 0.6 ** i)),
  })),
  "powers of two": shares(
    ["1x4x4", 1000],
    ["1x8x8", 500],
    ["2x8x8", 250],
    ["4x8x8", 125],
    ["8x8x8", 60],
    ["16x8x8", 30],
  ),
};

/** 40 grids from 1x2x2 to 17x16x16; the k-th most frequent of them, in an order drawn once, has 1 / k^1.6 of its clips. */
function longTail(): GridShare[] {
  const all = [1, 2, 3, 5, 9, 13, 17].flatMap((t) =>
    [
      [2, 2],
      [4, 4],
      [4, 6],
      [6, 4],
      [8, 8],
      [8, 12],
      [12, 8],
      [16, 16],
    ].map(([h = 1, w = 1]) => ({ t, h, w })),
  );
  const bySize = all.sort((a, b) => a.t * a.h * a.w - b.t * b.h * b.w || a.t - b.t || a.h - b.h);
  const grids = Array.from({ length: 40 }, (_, i) => bySize[Math.round((i * (bySize.length - 1)) / 39)]);
  const ranks = new KeyedRandom(1, "test.long tail").shuffle(grids.map((_, rank) => rank));
  return grids.map((grid, i) => ({
    grid: grid ?? { t: 1, h: 1, w: 1 },
    count: Math.max(1, Math.round(20_000 / ((ranks[i] ?? 0) + 1) ** 1.6)),
  }));
}

function random(): GridShare[] {
  const draw = new KeyedRandom(7, "test.random histogram");
  const drawn = Array.from({ length: 25 }, () => ({
    grid: { t: 1 + draw.int(17), h: 1 + draw.int(16), w: 1 + draw.int(16) },
    count: 1 + draw.int(1000),
  }));
  return [...new Map(drawn.map((entry) => [gridKey(entry.grid), entry])).values()];
}
