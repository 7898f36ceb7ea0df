import { gridKey, gridSize } from "../base/grid.ts";
import type { JsonValue } from "../base/json.ts";
import type { LatentSet } from "../data/latents.ts";
import { ONE_RANK, partOfAll, type Rank } from "../data/loader/globalOrder.ts";
import type { GridClip } from "../data/loader/packLoader.ts";
import { Spares } from "../data/loader/spares.ts";
import type { ClipPool } from "../data/mix/clipPool.ts";
import { epochsByName } from "../data/mix/epochsByName.ts";
import { trainingClips } from "../data/mix/trainingClips.ts";
import type { PackingDecision } from "../data/plans/decide.ts";
import type { DamagedRow } from "../data/shards/damagedRow.ts";
import { RowStores } from "../data/shards/rowStores.ts";
import { meanDrawnFrames } from "../diffusion/conditioning.ts";
import { buildDiT, type LatentModel } from "../diffusion/ditPrograms.ts";
import type { LatentStats } from "../models/vae/latents.ts";
import { declareParams } from "../nn/params.ts";
import type { BatchPlace, PackedClip, PackOrder } from "./batches/order.ts";
import type { PackAssembly } from "./batches/packAssembler.ts";
import type { ObjectiveConfig } from "./ditConfig.ts";
import { packClips } from "./packClips.ts";
import type { PackingConfig } from "./packingConfig.ts";
import { createPackSource, type DrawnPack, type PackSource } from "./packs/packSource.ts";
import type { DrawnBatch, Task } from "./task.ts";

export interface DitTaskOptions {
  readonly model: LatentModel;
  readonly latents: ClipPool<LatentSet>;
  readonly statistics: LatentStats;
  readonly objective: ObjectiveConfig;
  readonly packing: PackingConfig;
  /** Share of clips, by content hash, that is never trained on. */
  readonly heldOut: number;
  readonly seed: number;
  /** Which of several processes this is. Together they train on what one alone would. One when not given. */
  readonly rank?: Rank;
}

/** Training of a diffusion transformer on packs of latents. */
export class DitTask implements Task {
  readonly params;
  readonly packing: PackingDecision;
  readonly assembly: PackAssembly;
  readonly stores: RowStores;
  private readonly options: DitTaskOptions;
  private readonly packs: PackSource;
  private readonly spares: Spares;

  /**
   * Decides how the clips are packed, and makes the task.
   * @throws UserError when the patch does not divide a clip's latent grid, or clips cannot be packed as the recipe says.
   */
  static async create(options: DitTaskOptions): Promise<DitTask> {
    const { model, latents, heldOut, packing } = options;
    const { decision, clips } = await packClips(trainingClips(latents, heldOut), model, packing, ({ grid }) => grid);
    return new DitTask(options, decision, clips);
  }

  private constructor(options: DitTaskOptions, packing: PackingDecision, clips: readonly GridClip[]) {
    const { model, latents, statistics, objective, seed } = options;
    this.params = declareParams((p) => buildDiT(model, p));
    this.options = options;
    this.packing = packing;
    this.stores = new RowStores(latents.stores.map(({ shards }) => shards));
    this.packs = createPackSource(packing, clips, model, seed, options.rank);
    this.assembly = {
      kind: "pack",
      seed,
      patch: model.dit.patch,
      text: model.dit.text,
      statistics,
      objective,
      lossDivisor: this.packs.meanWeight(
        objective.weighting,
        ({ t, h, w }) => meanDrawnFrames(objective.conditioning, t) * h * w,
      ),
      room: this.packs.room,
    };
    this.spares = new Spares(
      clips.map(({ index, grid, source = 0 }) => ({ index, kind: gridKey(grid), source })),
      seed,
    );
  }

  async startingValues() {
    return {};
  }

  draw(at: BatchPlace): DrawnBatch {
    const drawn = this.packs.next();
    const batch = {
      arrangement: drawn.arrangement,
      numClips: drawn.clips.length,
      numTokens: drawn.clips.reduce((sum, { grid }) => sum + gridSize(grid), 0),
      cursor: this.packs.state,
      epochs: epochsByName(this.packs.epochs, this.options.latents.sources),
    };
    const redrawn = (): DrawnBatch => ({ ...batch, order: this.orderOf(drawn, at), redrawn });
    return redrawn();
  }

  note(damaged: DamagedRow): void {
    this.options.latents.note(damaged);
  }

  seek(cursor: JsonValue): void {
    this.packs.restore(cursor);
  }

  private orderOf({ clips, pack, rowClips }: DrawnPack, { step, part }: BatchPlace): PackOrder {
    const { latents, rank = ONE_RANK } = this.options;
    const drawn = clips.map(({ index }) => index);
    const sound = this.spares.replace(drawn, pack, (index) => latents.isDamaged(index));
    const placed = clips.map(({ grid }, i) => ({ row: latents.row(sound[i] as number), grid }));
    const order = { kind: "pack", step, part: partOfAll(rank, part), clips: withRepeats(placed) } as const;
    return rowClips === undefined ? order : { ...order, rowClips };
  }
}

function withRepeats(clips: readonly Omit<PackedClip, "repeat">[]): PackedClip[] {
  const seen = new Map<string, number>();
  return clips.map((clip) => {
    const { hash } = clip.row.entry;
    const repeat = seen.get(hash) ?? 0;
    seen.set(hash, repeat + 1);
    return { ...clip, repeat };
  });
}
