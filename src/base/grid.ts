/** Size of a clip's latent (or token) volume: t frames of h x w cells. An image has t = 1. */
export interface Grid {
  readonly t: number;
  readonly h: number;
  readonly w: number;
}

/** Cells in a grid: t * h * w. */
export function gridSize(grid: Grid): number {
  return grid.t * grid.h * grid.w;
}

/** `5x4x8`: frames, height, width. Equal grids have equal keys. */
export function gridKey(grid: Grid): string {
  return `${grid.t}x${grid.h}x${grid.w}`;
}

/** A fixed total order: larger grids first, then by frames, height, width. */
export function compareGrids(a: Grid, b: Grid): number {
  return gridSize(b) - gridSize(a) || b.t - a.t || b.h - a.h || b.w - a.w;
}
