import { type Grid, gridKey } from "../../base/grid.ts";
import type { Plan } from "../plans/plan.ts";
import { type Drawn, type Epochs, GlobalOrder, ONE_RANK, type Rank } from "./globalOrder.ts";
import type { OrderState } from "./orderState.ts";

/** A clip that may be drawn: its dataset index and the grid in tokens that it is drawn as. */
export interface GridClip {
  readonly index: number;
  readonly grid: Grid;
  /** Number of its source. 0 when not given. */
  readonly source?: number;
  /** How often it is drawn against a clip of weight 1. 1 when not given. */
  readonly weight?: number;
}

/** Draws packs: plans at their rates, and for each grid of the plan a clip of that grid. See `GlobalOrder`. */
export class PackLoader {
  private readonly order: GlobalOrder;

  /** @throws UserError when a plan holds a grid that no clip has, or no plan holds a clip's grid. */
  constructor(plans: readonly Plan[], clips: readonly GridClip[], seed: number, rank: Rank = ONE_RANK) {
    const ordered = clips.map(({ index, grid, source = 0, weight = 1 }) => {
      return { index, kind: gridKey(grid), source, weight };
    });
    const kinds = plans.map(({ grids, rate }) => ({ kinds: grids.map(gridKey), rate }));
    this.order = new GlobalOrder(kinds, ordered, seed, rank);
  }

  /** The next pack: its plan, and clips for the plan's grids. */
  next(): Drawn {
    return this.order.next();
  }

  get epochs(): Epochs {
    return this.order.epochs;
  }

  get state(): OrderState {
    return this.order.state;
  }

  /** Goes on from a saved state. @throws UserError when it was saved with other clips or plans. */
  restore(state: unknown): void {
    this.order.restore(state);
  }
}
