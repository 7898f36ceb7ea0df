import type { Scalar } from "@tensorflow/tfjs";
import { assert } from "../base/errors.ts";
import { compareGrids, type Grid, gridKey } from "../base/grid.ts";
import type { JsonValue } from "../base/json.ts";
import type { LatentEntry, LatentSet } from "../data/latents.ts";
import { PackLoader } from "../data/loader/packLoader.ts";
import type { ClipPool } from "../data/mix/clipPool.ts";
import { epochsByName } from "../data/mix/epochsByName.ts";
import { trainingClips } from "../data/mix/trainingClips.ts";
import { choosePlans, type GridShare, type Plan } from "../data/plans.ts";
import { RowStores } from "../data/shards/rowStores.ts";
import { buildDiT, ditObjective, type LatentModel } from "../diffusion/ditPrograms.ts";
import { meanWeight } from "../diffusion/lossWeights.ts";
import type { ClipSpan } from "../models/patches/layout.ts";
import { PackPlan } from "../models/patches/pack.ts";
import { tokenGrid } from "../models/patches/patchify.ts";
import type { LatentStats } from "../models/vae/latents.ts";
import { declareParams } from "../nn/params.ts";
import type { BatchPlace, PackedClip } from "./batches/order.ts";
import type { PackAssembly } from "./batches/packAssembler.ts";
import type { ObjectiveConfig, PackingConfig } from "./ditConfig.ts";
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
}

/** Training of a diffusion transformer on packs of latents. */
export class DitTask implements Task {
  readonly params;
  readonly plans: readonly Plan[];
  readonly assembly: PackAssembly;
  readonly stores: RowStores;
  private readonly options: DitTaskOptions;
  private readonly loader: PackLoader;
  private readonly arrangements: readonly PackArrangement[];

  /** @throws UserError when the patch does not divide a clip's latent grid or a clip does not fit into a pack. */
  constructor(options: DitTaskOptions) {
    const { model, latents, statistics, objective, heldOut, packing, seed } = options;
    const clips = trainingClips(latents, heldOut).map((clip) => ({ ...clip, grid: tokensOf(clip.entry, model) }));
    this.params = declareParams((p) => buildDiT(model, p));
    this.options = options;
    this.stores = new RowStores(latents.stores.map(({ shards }) => shards));
    this.plans = choosePlans(histogram(clips), packing);
    this.assembly = {
      kind: "pack",
      seed,
      patch: model.dit.patch,
      text: model.dit.text,
      statistics,
      objective,
      lossDivisor: meanWeight(this.plans, objective.weighting),
      room: undefined,
    };
    this.loader = new PackLoader(this.plans, clips, seed);
    this.arrangements = this.plans.map(({ grids }) => packArrangement(model, grids));
  }

  async startingValues() {
    return {};
  }

  draw(at: BatchPlace): DrawnBatch {
    const { plan, clips } = this.loader.next();
    const arrangement = this.arrangements[plan];
    assert(arrangement !== undefined, `plan ${plan} has an arrangement`);
    const { pack } = arrangement;
    const { latents } = this.options;
    const packed = withRepeats(
      clips.map((index, i) => ({ row: latents.row(index), grid: (pack.clips[i] as ClipSpan).grid })),
    );
    return {
      arrangement,
      order: { kind: "pack", ...at, clips: packed },
      numClips: pack.numClips,
      numTokens: pack.numTokens,
      cursor: this.loader.state,
      epochs: epochsByName(this.loader.epochs, latents.sources),
    };
  }

  seek(cursor: JsonValue): void {
    this.loader.restore(cursor);
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

function tokensOf({ grid, source }: LatentEntry, model: LatentModel): Grid {
  return tokenGrid(grid, model.dit.patch, `dit.patch for ${source}`);
}

/** How often each grid is wanted: its clips, by their weights. */
function histogram(clips: readonly { readonly grid: Grid; readonly weight: number }[]): GridShare[] {
  const counts = new Map<string, { grid: Grid; count: number }>();
  for (const { grid, weight } of clips) {
    const entry = counts.get(gridKey(grid)) ?? { grid, count: 0 };
    entry.count += weight;
    counts.set(gridKey(grid), entry);
  }
  return [...counts.values()].sort((a, b) => compareGrids(a.grid, b.grid));
}
