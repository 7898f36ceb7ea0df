import { UserError } from "../../base/errors.ts";
import { type Grid, gridKey } from "../../base/grid.ts";
import { groupBy } from "../group.ts";
import type { Plan } from "../plans.ts";
import { ClipQueue } from "./clipQueue.ts";
import { DrawSequence } from "./drawSequence.ts";
import { type LoaderState, restoreQueues, stateOf } from "./loaderState.ts";

/** One pack to train on. */
export interface Pack {
  /** Index of the plan. */
  readonly plan: number;
  /** Dataset indices, in the order of the plan's grids. */
  readonly clips: readonly number[];
  /** Number of the pack, from 0. */
  readonly step: number;
}

/** A clip that may be drawn: its dataset index and its grid in tokens. */
export interface GridClip {
  readonly index: number;
  readonly grid: Grid;
}

/**
 * Draws packs: plans at their rates, and for each grid of the plan a clip of that grid from its queue. The sequence is a
 * function of (plans, clips, seed); a restored loader goes on exactly where the saved one stood.
 */
export class PackLoader {
  private readonly plans: readonly Plan[];
  private readonly order: DrawSequence;
  private readonly queues = new Map<string, ClipQueue>();
  private step = 0;

  /** @throws UserError when a plan holds a grid that no clip has, or no plan holds a clip's grid. */
  constructor(plans: readonly Plan[], clips: readonly GridClip[], seed: number) {
    this.plans = plans;
    this.order = new DrawSequence(
      plans.map(({ rate }) => rate),
      seed,
      "loader.plans",
    );
    const byGrid = groupBy(clips, ({ grid }) => gridKey(grid));
    for (const [key, members] of byGrid) {
      const indices = members.map(({ index }) => index);
      this.queues.set(key, new ClipQueue(indices, seed, key));
    }
    const planned = new Set(plans.flatMap(({ grids }) => grids.map(gridKey)));
    for (const key of planned) {
      if (!byGrid.has(key)) throw new UserError("loader", { expected: `clips of ${key} tokens`, got: "none" });
    }
    for (const key of byGrid.keys()) {
      if (!planned.has(key)) throw new UserError("loader", { expected: `a plan with clips of ${key}`, got: "none" });
    }
  }

  /** The next pack. */
  next(): Pack {
    const plan = this.order.at(this.step);
    const clips = (this.plans[plan] as Plan).grids.map((grid) => (this.queues.get(gridKey(grid)) as ClipQueue).next());
    const step = this.step;
    this.step += 1;
    return { plan, clips, step };
  }

  get state(): LoaderState {
    return stateOf(this.step, this.queues);
  }

  /** Goes on from a saved state. @throws UserError when it was saved with other clips. */
  restore(state: unknown): void {
    this.step = restoreQueues(state, this.queues);
  }
}
