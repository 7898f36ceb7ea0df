import type { Scalar } from "@tensorflow/tfjs";
import { assert } from "../base/errors.ts";
import { type Grid, gridKey, gridSize } from "../base/grid.ts";
import type { JsonValue } from "../base/json.ts";
import { KeyedRandom } from "../base/random.ts";
import type { AugmentConfig } from "../data/augment/augmentConfig.ts";
import { type ClipView, viewsOf } from "../data/augment/views.ts";
import { CHANNELS, shapeKey } from "../data/clip.ts";
import { wholeClips } from "../data/clips.ts";
import type { Dataset } from "../data/dataset.ts";
import { BucketLoader } from "../data/loader/bucketLoader.ts";
import { type Drawn, type Epochs, ONE_RANK, partOfAll, type Rank } from "../data/loader/globalOrder.ts";
import { Spares } from "../data/loader/spares.ts";
import type { ClipPool } from "../data/mix/clipPool.ts";
import { epochsByName } from "../data/mix/epochsByName.ts";
import { type TrainingClip, trainingClips } from "../data/mix/trainingClips.ts";
import type { DamagedRow } from "../data/shards/damagedRow.ts";
import { RowStores } from "../data/shards/rowStores.ts";
import { toSigned } from "../models/vae/colour.ts";
import { pcaStart } from "../models/vae/pcaStart.ts";
import { Vae } from "../models/vae/vae.ts";
import { latentGrid, type VaeConfig, vaeFactor } from "../models/vae/vaeConfig.ts";
import type { VaeLossConfig } from "../models/vae/vaeLoss.ts";
import { vaeObjective } from "../models/vae/vaePrograms.ts";
import { declareParams } from "../nn/params.ts";
import type { ClipsAssembly } from "./batches/clipsAssembler.ts";
import type { BatchPlace, ClipsOrder, ViewedClip } from "./batches/order.ts";
import type { Arrangement, DrawnBatch, Task } from "./task.ts";
import type { VaeBatchConfig } from "./vaeBatchConfig.ts";

export interface VaeTaskOptions {
  readonly vae: VaeConfig;
  readonly loss: VaeLossConfig;
  readonly batch: VaeBatchConfig;
  readonly augment: AugmentConfig;
  readonly clips: ClipPool<Dataset>;
  /** Share of clips, by content hash, that is never trained on. */
  readonly heldOut: number;
  readonly seed: number;
  /** Which of several processes this is. Together they train on what one alone would. One when not given. */
  readonly rank?: Rank;
}

/** Training of a video autoencoder on batches of clips of one size and length. */
export class VaeTask implements Task {
  readonly params;
  readonly assembly: ClipsAssembly;
  readonly stores: RowStores;
  private readonly options: VaeTaskOptions;
  /** Lines about clips that some augmentation does not fit. */
  readonly notes: readonly string[];
  private readonly training: readonly TrainingClip[];
  private readonly items: readonly VaeItem[];
  private readonly itemsPerClip: Epochs;
  private readonly loader: BucketLoader;
  private readonly spares: Spares;
  private readonly arrangements: readonly BucketArrangement[];

  /** @throws UserError when the VAE's factors do not divide a clip's size, also that of a held-out clip. */
  constructor(options: VaeTaskOptions) {
    const { vae, loss, batch, augment, clips, heldOut, seed } = options;
    const factor = vaeFactor(vae);
    for (const { dir, shards } of clips.stores) {
      for (const { frames, height, width, source } of shards.entries) {
        latentGrid({ t: frames, h: height, w: width }, factor, `vae for ${source} of ${dir}`);
      }
    }
    for (const [i, { height, width }] of augment.crops.entries()) {
      latentGrid({ t: 1, h: height, w: width }, factor, `augment.crops.${i}`);
    }
    this.training = trainingClips(clips, heldOut);
    this.params = declareParams((p) => new Vae(vae, p));
    this.options = options;
    this.assembly = { kind: "clips", seed, flip: augment.flip };
    this.stores = new RowStores(clips.stores.map(({ shards }) => shards));
    const { views, notes } = viewsOf(
      this.training.map(({ entry }) => entry),
      augment,
      factor[0],
    );
    this.notes = notes;
    // A clip with several views weighs as much as one with a single one.
    this.items = this.training.flatMap((clip, i) => {
      const ofClip = views[i] as readonly ClipView[];
      return ofClip.map((view) => ({ clip, view, weight: clip.weight / ofClip.length }));
    });
    this.itemsPerClip = {
      all: this.items.length / this.training.length,
      sources: clips.sources.map((_, source) => {
        const numClips = this.training.filter((clip) => clip.source === source).length;
        return numClips === 0 ? 0 : this.items.filter(({ clip }) => clip.source === source).length / numClips;
      }),
    };
    this.loader = new BucketLoader(
      this.items.map(({ clip: { source }, view: { frames, height, width }, weight }, index) => {
        return { index, frames, height, width, source, weight };
      }),
      ({ frames, height, width }) => Math.max(1, Math.floor(batch.pixels / (frames * height * width))),
      seed,
      options.rank,
    );
    this.spares = new Spares(
      this.items.map(({ clip: { source }, view }, index) => ({ index, kind: shapeKey(view), source })),
      seed,
    );
    this.arrangements = this.loader.buckets.map((bucket) =>
      bucketArrangement(vae, loss, { t: bucket.frames, h: bucket.height, w: bucket.width }, bucket.batch),
    );
  }

  /** The linear part of the autoencoder as the principal components of the training clips' patches. */
  async startingValues() {
    const { vae, clips, seed, batch } = this.options;
    if (batch.start === "random") return {};
    const shuffled = new KeyedRandom(seed, "pca clips").shuffle([...this.training]).map(({ entry }) => entry);
    const videos = [];
    for await (const { entry, frames_THWC } of wholeClips(clips, shuffled)) {
      const { frames, height, width } = entry;
      const video_THWC = new Float32Array(frames * height * width * CHANNELS);
      toSigned(frames_THWC, video_THWC);
      videos.push({ video_THWC, grid: { t: frames, h: height, w: width } });
      if (videos.length === batch.pcaClips) break;
    }
    return pcaStart(vae, videos, seed);
  }

  draw(at: BatchPlace): DrawnBatch {
    const drawn = this.loader.next();
    const arrangement = this.arrangements[drawn.plan];
    assert(arrangement !== undefined, `bucket ${drawn.plan} has an arrangement`);
    const batch = {
      arrangement,
      numClips: drawn.clips.length,
      numTokens: drawn.clips.length * arrangement.latentCells,
      cursor: this.loader.state,
      epochs: epochsByName(this.epochsOfClips(), this.options.clips.sources),
    };
    const redrawn = (): DrawnBatch => ({ ...batch, order: this.orderOf(drawn, at), redrawn });
    return redrawn();
  }

  note(damaged: DamagedRow): void {
    this.options.clips.note(damaged);
  }

  /** The loader counts items: a clip has come once when one of its views has. */
  private epochsOfClips(): Epochs {
    const { all, sources } = this.loader.epochs;
    const { itemsPerClip } = this;
    return {
      all: all * itemsPerClip.all,
      sources: sources.map((epochs, source) => epochs * (itemsPerClip.sources[source] ?? 0)),
    };
  }

  private viewed(item: number): ViewedClip {
    const { clip, view } = this.items[item] as VaeItem;
    return { row: this.options.clips.row(clip.index), frames: clip.entry.frames, view };
  }

  seek(cursor: JsonValue): void {
    this.loader.restore(cursor);
  }

  private orderOf(drawn: Drawn, { step, part }: BatchPlace): ClipsOrder {
    const { clips, rank = ONE_RANK } = this.options;
    const isDamaged = (item: number) => clips.isDamaged((this.items[item] as VaeItem).clip.index);
    const items = this.spares.replace(drawn.clips, drawn.pack, isDamaged);
    return { kind: "clips", step, part: partOfAll(rank, part), clips: items.map((item) => this.viewed(item)) };
  }
}

/** A clip in one of its views: what is drawn. */
interface VaeItem {
  readonly clip: TrainingClip;
  readonly view: ClipView;
  readonly weight: number;
}

interface BucketArrangement extends Arrangement {
  readonly latentCells: number;
}

function bucketArrangement(vae: VaeConfig, loss: VaeLossConfig, clip: Grid, numClips: number): BucketArrangement {
  const objective = vaeObjective(vae, loss, { numClips, clip });
  return {
    key: `${numClips} of ${gridKey(clip)}`,
    latentCells: gridSize(latentGrid(clip, vaeFactor(vae))),
    signature: objective.inputs,
    loss: (params, batch) => {
      const { loss: value, ...aux } = objective.fn(params, batch);
      return { loss: value as Scalar, aux };
    },
  };
}
