import { type Grid, gridSize } from "../../base/grid.ts";

/** FLOPs of a training step, by what they grow with. */
export interface CostModel {
  readonly perClip: number;
  readonly perFrame: number;
  readonly perToken: number;
  /** For every two tokens that attend to one another. */
  readonly perTokenPair: number;
}

/** FLOPs that a clip adds to a step when it attends to itself alone. */
export function clipCost(model: CostModel, grid: Grid): number {
  return costBesideAttention(model, grid) + model.perTokenPair * gridSize(grid) ** 2;
}

/** FLOPs that a clip adds to a step, all but those of its tokens' attention to one another. */
export function costBesideAttention({ perClip, perFrame, perToken }: CostModel, grid: Grid): number {
  return perClip + perFrame * grid.t + perToken * gridSize(grid);
}

/** FLOPs of a step on a pack, each clip attending to itself alone. */
export function packCost(model: CostModel, grids: readonly Grid[]): number {
  return grids.reduce((sum, grid) => sum + clipCost(model, grid), 0);
}
