import { z } from "zod";
import { conform } from "../../base/conform.ts";
import { UserError } from "../../base/errors.ts";
import { type Grid, gridKey, gridSize } from "../../base/grid.ts";
import { groupBy } from "../group.ts";
import { type Epochs, GlobalOrder, ONE_RANK, type Rank } from "./globalOrder.ts";
import type { OrderState } from "./orderState.ts";
import type { GridClip } from "./packLoader.ts";
import { RowFiller, type RowSpace } from "./rowFiller.ts";

const rowLoaderStateSchema = z.strictObject({
  /** Packs filled. */
  packs: z.int().nonnegative(),
  /** Dataset indices of the clips that were drawn and wait for a pack. */
  waiting: z.array(z.int().nonnegative()),
  /** Where the order of clips stands: see `OrderState`. */
  order: z.unknown(),
});

/** A place in the sequence of packs, as plain JSON. */
export type RowLoaderState = {
  readonly packs: number;
  readonly waiting: number[];
  readonly order: OrderState;
};

/** A clip in a row of a pack. */
export interface RowClip {
  readonly index: number;
  readonly grid: Grid;
}

export interface RowPack {
  /** The clips of each row. */
  readonly rows: readonly (readonly RowClip[])[];
  /** Number of the pack in the global order, from 0. */
  readonly pack: number;
}

/**
 * Fills packs of rows with clips in one global order: that of `GlobalOrder`, drawn clip by clip, each kind in proportion
 * to its clips' weights. The sequence of packs is a function of (clips, space, seed) alone. Of R ranks, rank r takes the
 * packs r, R + r, 2 R + r ...
 */
export class RowLoader {
  private readonly grids: ReadonlyMap<number, Grid>;
  private readonly order: GlobalOrder;
  private readonly filler: RowFiller<RowClip>;
  private readonly rank: Rank;
  private packs = 0;

  /** @param clips none larger than a row. */
  constructor(clips: readonly GridClip[], space: RowSpace, seed: number, rank: Rank = ONE_RANK) {
    const ordered = clips.map(({ index, grid, source = 0, weight = 1 }) => {
      return { index, kind: gridKey(grid), source, weight };
    });
    const single = [...groupBy(ordered, ({ kind }) => kind)].map(([kind, members]) => {
      return { kinds: [kind], rate: members.reduce((sum, { weight }) => sum + weight, 0) };
    });
    this.grids = new Map(clips.map(({ index, grid }) => [index, grid]));
    this.order = new GlobalOrder(single, ordered, seed);
    this.filler = new RowFiller(space, ({ grid }) => ({ tokens: gridSize(grid), frames: grid.t }));
    this.rank = rank;
  }

  /** This rank's next pack. The others' are passed over. */
  next(): RowPack {
    let own: RowPack | undefined;
    for (let rank = 0; rank < this.rank.numRanks; rank++) {
      const rows = this.filler.next(() => this.clip(this.order.next().clips[0] as number));
      if (rank === this.rank.rank) own = { rows, pack: this.packs };
      this.packs++;
    }
    return own as RowPack;
  }

  get epochs(): Epochs {
    return this.order.epochs;
  }

  get state(): RowLoaderState {
    return { packs: this.packs, waiting: this.filler.waiting.map(({ index }) => index), order: this.order.state };
  }

  /** Goes on from a saved state. @throws UserError when it was saved with other clips. */
  restore(saved: unknown): void {
    const { packs, waiting, order } = conform(rowLoaderStateSchema, saved, "loader state");
    this.order.restore(order);
    this.filler.restore(waiting.map((index) => this.clip(index)));
    this.packs = packs;
  }

  private clip(index: number): RowClip {
    const grid = this.grids.get(index);
    if (grid === undefined) throw new UserError("loader state", { expected: "clips of this dataset", got: `${index}` });
    return { index, grid };
  }
}
