import type { Grid } from "../../base/grid.ts";
import type { JsonValue } from "../../base/json.ts";
import type { Epochs, Rank } from "../../data/loader/globalOrder.ts";
import type { GridClip } from "../../data/loader/packLoader.ts";
import type { PackingDecision } from "../../data/plans/decide.ts";
import type { LatentModel } from "../../diffusion/ditPrograms.ts";
import type { LossWeighting } from "../../diffusion/lossWeights.ts";
import type { RowRoom } from "../../models/patches/rowLayout.ts";
import type { Arrangement } from "../task.ts";
import { MaskedPacks } from "./maskedPacks.ts";
import { PlannedPacks } from "./plannedPacks.ts";

/** A clip of a pack: its dataset index and the grid that it is drawn as. */
export interface PlacedClip {
  readonly index: number;
  readonly grid: Grid;
}

export interface DrawnPack {
  readonly arrangement: Arrangement;
  /** In the order in which they lie in the pack. */
  readonly clips: readonly PlacedClip[];
  /** Clips of each row, in masked packs. */
  readonly rowClips?: readonly number[];
  /** Number of the pack in the global order, from 0. */
  readonly pack: number;
}

/** Where packs come from: an endless sequence, and a place in it. */
export interface PackSource {
  /** This rank's next pack. */
  next(): DrawnPack;
  readonly epochs: Epochs;
  /** Where the sequence stands. */
  readonly state: JsonValue;
  /** Goes on from a saved state. @throws UserError when it was saved with other clips or packs. */
  restore(state: JsonValue): void;
  /** Rows of masked packs; undefined where packs are plans. */
  readonly room: RowRoom | undefined;
  /** Mean weight of a pack, see `lossWeights`. @param drawnTokens tokens of a clip that are not given, on average. */
  meanWeight(weighting: LossWeighting, drawnTokens: (grid: Grid) => number): number;
}

/** Packs as was decided. @param clips those to train on, with the grids that they are drawn as. */
export function createPackSource(
  decision: PackingDecision,
  clips: readonly GridClip[],
  model: LatentModel,
  seed: number,
  rank?: Rank,
): PackSource {
  return decision.mode === "plans"
    ? new PlannedPacks(decision, clips, model, seed, rank)
    : new MaskedPacks(decision, clips, model, seed, rank);
}
