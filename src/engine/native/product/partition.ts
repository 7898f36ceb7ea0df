import type { TileSize } from "./tile.ts";

/** Sizes of one matrix product, and how many of them there are. */
export interface ProductSize {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Whether a is packed too, rather than read where it lies. */
  readonly packsA: boolean;
}

/** How each product of the batch is cut: every part is a unit of work. */
export interface Partition {
  readonly rowParts: number;
  readonly columnParts: number;
}

/** Cost of packing one element of a or b, in multiply-adds. Measured: a few per cent of a product with 384 rows. */
const PACK_COST = 12;
/** Cost of fetching one element of an `a` that is read where it lies. */
const READ_COST = 4;
/** Cost of handing one unit to a thread, in multiply-adds: about two microseconds. */
const UNIT_COST = 200_000;
/** Cost of waking other threads at all, and of waiting for them. */
const FORK_COST = 400_000;
/** Parts of a side that are tried. */
const MOST_PARTS = 16;
/** How much of one unit's time is lost because the last unit comes late: a little on a quiet machine, all on a busy one. */
const LATENESS = 0.05;

/** The partition that should be done first by `threads` threads. It depends on its arguments alone. */
export function choosePartition(size: ProductSize, threads: number, tile: TileSize): Partition {
  let best = { rowParts: 1, columnParts: 1 };
  let least = Number.POSITIVE_INFINITY;
  for (let rowParts = 1; rowParts <= Math.min(MOST_PARTS, Math.ceil(size.m / tile.rows)); rowParts++) {
    for (let columnParts = 1; columnParts <= Math.min(MOST_PARTS, Math.ceil(size.n / tile.panel)); columnParts++) {
      const cost = timeOf(size, threads, { rowParts, columnParts }, tile);
      if (cost < least) {
        least = cost;
        best = { rowParts, columnParts };
      }
    }
  }
  return best;
}

function timeOf(
  { batch, m, n, k, packsA }: ProductSize,
  threads: number,
  { rowParts, columnParts }: Partition,
  tile: TileSize,
): number {
  const rows = Math.ceil(Math.ceil(m / tile.rows) / rowParts) * tile.rows;
  const columns = Math.ceil(Math.ceil(n / tile.panel) / columnParts) * tile.panel;
  const unit = k * (rows * columns + (packsA ? PACK_COST : READ_COST) * rows + PACK_COST * columns) + UNIT_COST;
  const numUnits = batch * rowParts * columnParts;
  const forks = threads > 1 && numUnits > 1;
  return unit * (Math.ceil(numUnits / threads) + (forks ? LATENESS : 0)) + (forks ? FORK_COST : 0);
}
