import type { Scalar } from "@tensorflow/tfjs";
import { assert, UserError } from "../base/errors.ts";
import { type Grid, gridKey } from "../base/grid.ts";
import type { JsonValue } from "../base/json.ts";
import type { LatentSet } from "../data/latents.ts";
import { type Drawn, ONE_RANK, partOfAll, type Rank } from "../data/loader/globalOrder.ts";
import { type GridClip, PackLoader } from "../data/loader/packLoader.ts";
import { Spares } from "../data/loader/spares.ts";
import type { ClipPool } from "../data/mix/clipPool.ts";
import { epochsByName } from "../data/mix/epochsByName.ts";
import { trainingClips } from "../data/mix/trainingClips.ts";
import type { PackingDecision, PlannedPacking } from "../data/plans/decide.ts";
import type { DamagedRow } from "../data/shards/damagedRow.ts";
import { RowStores } from "../data/shards/rowStores.ts";
import { buildDiT, ditObjective, type LatentModel } from "../diffusion/ditPrograms.ts";
import { meanWeight } from "../diffusion/lossWeights.ts";
import type { ClipSpan } from "../models/patches/layout.ts";
import { PackPlan } from "../models/patches/pack.ts";
import type { LatentStats } from "../models/vae/latents.ts";
import { declareParams } from "../nn/params.ts";
import type { BatchPlace, PackedClip, PackOrder } from "./batches/order.ts";
import type { PackAssembly } from "./batches/packAssembler.ts";
import type { ObjectiveConfig, PackingConfig } from "./ditConfig.ts";
import { packClips } from "./packClips.ts";
import type { Arrangement, DrawnBatch, Task } from "./task.ts";

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
  readonly packing: PlannedPacking;
  readonly assembly: PackAssembly;
  readonly stores: RowStores;
  private readonly options: DitTaskOptions;
  private readonly loader: PackLoader;
  private readonly spares: Spares;
  private readonly arrangements: readonly PackArrangement[];

  /**
   * Decides how the clips are packed, and makes the task.
   * @throws UserError when the patch does not divide a clip's latent grid, or clips cannot be packed as the recipe says.
   */
  static async create(options: DitTaskOptions): Promise<DitTask> {
    const { model, latents, heldOut, packing } = options;
    const { decision, clips } = await packClips(trainingClips(latents, heldOut), model, packing, ({ grid }) => grid);
    return new DitTask(options, planned(decision), clips);
  }

  private constructor(options: DitTaskOptions, packing: PlannedPacking, clips: readonly GridClip[]) {
    const { model, latents, statistics, objective, seed } = options;
    this.params = declareParams((p) => buildDiT(model, p));
    this.options = options;
    this.packing = packing;
    this.stores = new RowStores(latents.stores.map(({ shards }) => shards));
    this.assembly = {
      kind: "pack",
      seed,
      patch: model.dit.patch,
      text: model.dit.text,
      statistics,
      objective,
      lossDivisor: meanWeight(packing.plans, objective.weighting),
      room: undefined,
    };
    this.loader = new PackLoader(packing.plans, clips, seed, options.rank);
    this.spares = new Spares(
      clips.map(({ index, grid, source = 0 }) => ({ index, kind: gridKey(grid), source })),
      seed,
    );
    this.arrangements = packing.plans.map(({ grids }) => packArrangement(model, grids));
  }

  async startingValues() {
    return {};
  }

  draw(at: BatchPlace): DrawnBatch {
    const drawn = this.loader.next();
    const arrangement = this.arrangements[drawn.plan];
    assert(arrangement !== undefined, `plan ${drawn.plan} has an arrangement`);
    const { pack } = arrangement;
    const batch = {
      arrangement,
      numClips: pack.numClips,
      numTokens: pack.numTokens,
      cursor: this.loader.state,
      epochs: epochsByName(this.loader.epochs, this.options.latents.sources),
    };
    const redrawn = (): DrawnBatch => ({ ...batch, order: this.orderOf(drawn, pack, at), redrawn });
    return redrawn();
  }

  note(damaged: DamagedRow): void {
    this.options.latents.note(damaged);
  }

  seek(cursor: JsonValue): void {
    this.loader.restore(cursor);
  }

  private orderOf(drawn: Drawn, pack: PackPlan, { step, part }: BatchPlace): PackOrder {
    const { latents, rank = ONE_RANK } = this.options;
    const clips = this.spares.replace(drawn.clips, drawn.pack, (index) => latents.isDamaged(index));
    const placed = clips.map((index, i) => ({ row: latents.row(index), grid: (pack.clips[i] as ClipSpan).grid }));
    return { kind: "pack", step, part: partOfAll(rank, part), clips: withRepeats(placed) };
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

interface PackArrangement extends Arrangement {
  readonly pack: PackPlan;
}

function packArrangement(model: LatentModel, grids: readonly Grid[]): PackArrangement {
  const pack = new PackPlan(grids);
  const objective = ditObjective(model, pack);
  return {
    key: pack.key,
    pack,
    signature: objective.inputs,
    loss: (params, batch) => ({ loss: objective.fn(params, batch).loss as Scalar, aux: {} }),
  };
}

/** @throws UserError when masked packs were chosen, which nothing trains on yet. */
function planned(decision: PackingDecision): PlannedPacking {
  if (decision.mode === "plans") return decision;
  throw new UserError("packing.mode", {
    expected: "plans, since masked packs cannot be trained on yet",
    got: ["masked", ...decision.explanations].join("; "),
    try: "packing.mode=plans with more packing.maxPlans or packing.tokens",
  });
}
