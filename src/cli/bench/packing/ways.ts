import { type Grid, gridKey, gridSize } from "../../../base/grid.ts";
import { KeyedRandom } from "../../../base/random.ts";
import { RowFiller } from "../../../data/loader/rowFiller.ts";
import type { Plan } from "../../../data/plans/plan.ts";
import type { HostMap } from "../../../engine/engine.ts";
import type { PackLayout } from "../../../models/patches/layout.ts";
import { MaskedRows } from "../../../models/patches/maskedRows.ts";
import { PackPlan } from "../../../models/patches/pack.ts";
import type { PackShape } from "../../../models/patches/packing.ts";
import { RowLayout, type RowRoom } from "../../../models/patches/rowLayout.ts";
import { type GridShare, rowRoomFor } from "../../../models/patches/rowRoom.ts";

/** One program of a way to batch clips, with clips in place. */
export interface WayProgram {
  readonly shape: PackShape;
  readonly layout: PackLayout;
  /** What tells the program where the clips lie. */
  readonly inputs: HostMap;
  /** Tokens of clips that a run trains on, on average. */
  readonly tokens: number;
  /** Runs for each clip that is trained on. */
  readonly runsPerClip: number;
}

/** A way to batch clips of many grids. All ways train on the same clips, in the same proportions. */
export interface PackingWay {
  readonly name: string;
  readonly describe: string;
  readonly programs: readonly WayProgram[];
}

/** Packs drawn to see how full masked rows get. */
const DRAWN_PACKS = 500;
/** A masked pack has room for so many times its mean number of clips. */
const CLIP_ROOM = 2;

/** Packs of a few fixed arrangements; nothing is padded or masked. */
export function planned(plans: readonly Plan[]): PackingWay {
  const clips = plans.reduce((sum, { grids, rate }) => sum + rate * grids.length, 0);
  const programs = plans.map(({ grids, rate }) => planProgram(grids, rate / clips));
  return { name: "plans", describe: "packs of a few fixed arrangements", programs };
}

/** Batches of one grid each, as many clips as fit. Dense attention, no mask: the same code as plans. */
export function bucketed(shares: readonly GridShare[], budget: number): PackingWay {
  const programs = shares.map(({ grid, share }) => {
    const numClips = Math.floor(budget / gridSize(grid));
    return planProgram(Array<Grid>(numClips).fill(grid), share / numClips);
  });
  return { name: "bucketed", describe: "each batch clips of one grid", programs };
}

/** Each clip padded to the longest, with a mask. One program. */
export function padded(shares: readonly GridShare[], budget: number): PackingWay {
  const longest = Math.max(...shares.map(({ grid }) => gridSize(grid)));
  const rows = Math.floor(budget / longest);
  const room = rowRoomFor(shares, { rows, tokens: rows * longest, maxClips: rows });
  const meanTokens = shares.reduce((sum, { grid, share }) => sum + share * gridSize(grid), 0);
  const median = weightedMedian(shares);
  const program = maskedProgram(
    room,
    Array.from({ length: rows }, () => [median]),
    rows * meanTokens,
    1 / rows,
  );
  return { name: "padded", describe: "each clip padded to the longest, masked", programs: [program] };
}

/** Rows of as many tokens as a pack, filled with clips as they come, with a dense mask. One program. */
export function maskedRows(shares: readonly GridShare[], budget: number): PackingWay {
  const meanTokens = shares.reduce((sum, { grid, share }) => sum + share * gridSize(grid), 0);
  const room = rowRoomFor(shares, {
    rows: 1,
    tokens: budget,
    maxClips: Math.ceil((CLIP_ROOM * budget) / meanTokens),
  });
  const filler = new RowFiller<Grid>(room, (grid) => ({ tokens: gridSize(grid), frames: grid.t }));
  const random = new KeyedRandom(0, "bench packing");
  const packs = Array.from({ length: DRAWN_PACKS }, () => filler.next(() => drawGrid(shares, random.uniform())));
  const grids = packs.flat(2);
  const tokens = grids.reduce((sum, grid) => sum + gridSize(grid), 0) / packs.length;
  const program = maskedProgram(room, packs[0] ?? [], tokens, packs.length / grids.length);
  return { name: "rows", describe: "rows of several clips each, masked (NaViT)", programs: [program] };
}

/** Shares in which plans draw grids. */
export function drawnBy(plans: readonly Plan[]): GridShare[] {
  const shares = new Map<string, { grid: Grid; share: number }>();
  const clips = plans.reduce((sum, { grids, rate }) => sum + rate * grids.length, 0);
  for (const { grids, rate } of plans) {
    for (const grid of grids) {
      const share = shares.get(gridKey(grid))?.share ?? 0;
      shares.set(gridKey(grid), { grid, share: share + rate / clips });
    }
  }
  return [...shares.values()];
}

function planProgram(grids: readonly Grid[], runsPerClip: number): WayProgram {
  const plan = new PackPlan(grids);
  return { shape: plan, layout: plan, inputs: {}, tokens: plan.numTokens, runsPerClip };
}

function maskedProgram(
  room: RowRoom,
  rows: readonly (readonly Grid[])[],
  tokens: number,
  runsPerClip: number,
): WayProgram {
  const rowLayout = new RowLayout(room);
  const layout = rowLayout.place(rows);
  return { shape: new MaskedRows(room), layout, inputs: rowLayout.inputsOf(layout), tokens, runsPerClip };
}

/** The grid at `u` of [0, 1) when grids lie side by side, each as wide as its share. */
function drawGrid(shares: readonly GridShare[], u: number): Grid {
  let upTo = 0;
  for (const { grid, share } of shares) {
    upTo += share;
    if (u < upTo) return grid;
  }
  return (shares.at(-1) as GridShare).grid;
}

/** The grid of the clip in the middle, by size. */
function weightedMedian(shares: readonly GridShare[]): Grid {
  const bySize = [...shares].sort((a, b) => gridSize(a.grid) - gridSize(b.grid));
  return drawGrid(bySize, 0.5);
}
