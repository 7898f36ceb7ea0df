import { assert } from "../../base/errors.ts";
import type { Grid } from "../../base/grid.ts";
import type { JsonValue } from "../../base/json.ts";
import type { Rank } from "../../data/loader/globalOrder.ts";
import { type GridClip, PackLoader } from "../../data/loader/packLoader.ts";
import type { PlannedPacking } from "../../data/plans/decide.ts";
import type { Plan } from "../../data/plans/plan.ts";
import type { LatentModel } from "../../diffusion/ditPrograms.ts";
import { type LossWeighting, meanWeight } from "../../diffusion/lossWeights.ts";
import { PackPlan } from "../../models/patches/pack.ts";
import type { Arrangement } from "../task.ts";
import { packArrangement } from "./packArrangement.ts";
import type { DrawnPack, PackSource } from "./packSource.ts";

/** Packs that are plans: a program for each. */
export class PlannedPacks implements PackSource {
  readonly room = undefined;
  private readonly plans: readonly Plan[];
  private readonly loader: PackLoader;
  private readonly arrangements: readonly Arrangement[];

  constructor({ plans }: PlannedPacking, clips: readonly GridClip[], model: LatentModel, seed: number, rank?: Rank) {
    this.plans = plans;
    this.loader = new PackLoader(plans, clips, seed, rank);
    this.arrangements = plans.map(({ grids }) => packArrangement(model, new PackPlan(grids)));
  }

  next(): DrawnPack {
    const { plan, clips, pack } = this.loader.next();
    const arrangement = this.arrangements[plan];
    assert(arrangement !== undefined, `plan ${plan} has an arrangement`);
    const grids = this.plans[plan]?.grids ?? [];
    return { arrangement, clips: clips.map((index, i) => ({ index, grid: grids[i] as Grid })), pack };
  }

  get epochs() {
    return this.loader.epochs;
  }

  get state() {
    return this.loader.state;
  }

  restore(state: JsonValue): void {
    this.loader.restore(state);
  }

  meanWeight(weighting: LossWeighting, drawnTokens: (grid: Grid) => number): number {
    return meanWeight(this.plans, weighting, drawnTokens);
  }
}
