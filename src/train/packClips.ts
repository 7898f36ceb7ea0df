import { type Grid, gridKey } from "../base/grid.ts";
import type { GridClip } from "../data/loader/packLoader.ts";
import type { TrainingClip } from "../data/mix/trainingClips.ts";
import type { CostModel } from "../data/plans/cost.ts";
import { decidePacking, type PackingDecision } from "../data/plans/decide.ts";
import type { DiTConfig } from "../models/dit/ditConfig.ts";
import { ditCost } from "../models/dit/ditCost.ts";
import { tokenGrid } from "../models/patches/patchify.ts";
import type { PackingConfig } from "./packingConfig.ts";

/** What packing needs to know of a model. */
export interface PackedModel {
  readonly dit: DiTConfig;
  readonly latentChannels: number;
}

/** Clips with the grids that they are drawn as. */
export interface PackedClips {
  readonly decision: PackingDecision;
  readonly clips: readonly GridClip[];
  readonly cost: CostModel;
}

/**
 * Decides how clips are packed for a model. @param latentGridOf a clip's grid of latent cells.
 * @throws UserError when the patch does not divide a latent grid, or clips cannot be packed as the recipe says.
 */
export async function packClips(
  clips: readonly TrainingClip[],
  { dit, latentChannels }: PackedModel,
  packing: PackingConfig,
  latentGridOf: (entry: TrainingClip["entry"]) => Grid,
): Promise<PackedClips> {
  const windowFrames = Math.max(1, Math.floor((packing.window ?? Number.POSITIVE_INFINITY) / dit.patch[0]));
  const drawn = clips.map((clip) => {
    const grid = tokenGrid(latentGridOf(clip.entry), dit.patch, `dit.patch for ${clip.entry.source}`);
    return { ...clip, grid: { ...grid, t: Math.min(grid.t, windowFrames) } };
  });
  const histogram = drawn.map(({ grid, weight }) => ({ grid, count: weight }));
  const cost = ditCost(dit, latentChannels);
  const decision = await decidePacking(histogram, packing, cost);
  const drawnAs = (grid: Grid): Grid => decision.assignment.get(gridKey(grid)) ?? grid;
  return { decision, cost, clips: drawn.map((clip) => ({ ...clip, grid: drawnAs(clip.grid) })) };
}
