import { type Grid, gridSize } from "../../base/grid.ts";
import type { JsonValue } from "../../base/json.ts";
import type { Rank } from "../../data/loader/globalOrder.ts";
import type { GridClip } from "../../data/loader/packLoader.ts";
import { RowLoader } from "../../data/loader/rowLoader.ts";
import type { MaskedPacking } from "../../data/plans/decide.ts";
import type { LatentModel } from "../../diffusion/ditPrograms.ts";
import type { LossWeighting } from "../../diffusion/lossWeights.ts";
import { MaskedRows } from "../../models/patches/maskedRows.ts";
import type { RowRoom } from "../../models/patches/rowLayout.ts";
import { type GridShare, rowRoomFor } from "../../models/patches/rowRoom.ts";
import type { Arrangement } from "../task.ts";
import { packArrangement } from "./packArrangement.ts";
import type { DrawnPack, PackSource } from "./packSource.ts";

/** Masked packs: one program for any clips that fit into their rows. */
export class MaskedPacks implements PackSource {
  readonly room: RowRoom;
  private readonly shares: readonly GridShare[];
  private readonly loader: RowLoader;
  private readonly arrangement: Arrangement;

  constructor(packing: MaskedPacking, clips: readonly GridClip[], model: LatentModel, seed: number, rank?: Rank) {
    this.shares = packing.draws.map(({ grid, drawn }) => ({ grid, share: drawn }));
    this.room = rowRoomFor(this.shares, packing);
    this.loader = new RowLoader(clips, this.room, seed, rank);
    this.arrangement = packArrangement(model, new MaskedRows(this.room));
  }

  next(): DrawnPack {
    const { rows, pack } = this.loader.next();
    return { arrangement: this.arrangement, clips: rows.flat(), rowClips: rows.map(({ length }) => length), pack };
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

  /** That of full packs. */
  meanWeight(weighting: LossWeighting, drawnTokens: (grid: Grid) => number): number {
    const mean = (tokensOf: (grid: Grid) => number) =>
      this.shares.reduce((sum, { grid, share }) => sum + share * tokensOf(grid), 0);
    const numClips = (this.room.rows * this.room.tokens) / mean(gridSize);
    return weighting === "token" ? numClips * mean(drawnTokens) : numClips;
  }
}
