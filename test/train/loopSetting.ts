/** Small tasks of both stages on a small shapes world, and what a loop needs around them, in memory. */
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import type { JsonObject } from "../../src/base/json.ts";
import { augmentSchema } from "../../src/data/augment/augmentConfig.ts";
import { type Dataset, openDataset } from "../../src/data/dataset.ts";
import type { LatentSet } from "../../src/data/latents.ts";
import { ONE_RANK, type Rank } from "../../src/data/loader/globalOrder.ts";
import { poolOf } from "../../src/data/mix/clipPool.ts";
import { buildShapes } from "../../src/data/shapes/build.ts";
import { shapesSchema } from "../../src/data/shapes/world.ts";
import type { LatentModel } from "../../src/diffusion/ditPrograms.ts";
import type { Engine, HostMap } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { ditSchema } from "../../src/models/dit/ditConfig.ts";
import type { LatentStats } from "../../src/models/vae/latents.ts";
import { Vae } from "../../src/models/vae/vae.ts";
import { VaeCodec } from "../../src/models/vae/vaeCodec.ts";
import { vaeSchema } from "../../src/models/vae/vaeConfig.ts";
import { vaeLossSchema } from "../../src/models/vae/vaeLoss.ts";
import { declareParams } from "../../src/nn/params.ts";
import { adamwSchema } from "../../src/train/adamw.ts";
import { type Assembler, createAssembler } from "../../src/train/batches/assembler.ts";
import { BatchBuffers } from "../../src/train/batches/batchBuffers.ts";
import { InTurn } from "../../src/train/batches/inTurn.ts";
import { objectiveSchema } from "../../src/train/ditConfig.ts";
import { DitTask, type DitTaskOptions } from "../../src/train/ditTask.ts";
import { FlatLayout } from "../../src/train/flatState.ts";
import { ensureLatents } from "../../src/train/latentCache.ts";
import { latentStatistics } from "../../src/train/latentStatistics.ts";
import { type CheckpointStore, type LoopObserver, type Snapshot, trainLoop } from "../../src/train/loop.ts";
import { trainSchema } from "../../src/train/loopConfig.ts";
import type { LogLine } from "../../src/train/meter.ts";
import { packingSchema } from "../../src/train/packingConfig.ts";
import type { Batch, Task } from "../../src/train/task.ts";
import { vaeBatchSchema } from "../../src/train/vaeBatchConfig.ts";
import { VaeTask } from "../../src/train/vaeTask.ts";

const SEED = 3;

/** Builds and opens a world of 24 clips of three sizes and two lengths, images among them. */
export async function smallWorld(folder: string): Promise<Dataset> {
  const dir = join(folder, "world");
  const buckets = [
    { frames: 1, height: 16, width: 16 },
    { frames: 5, height: 8, width: 16 },
    { frames: 5, height: 16, width: 16 },
  ];
  await buildShapes(dir, shapesSchema.parse({ clips: 24, buckets }));
  return openDataset(dir);
}

const vaeConfig = vaeSchema.parse({
  kind: "causal-conv",
  latentChannels: 4,
  levels: [
    { down: [2, 2], channels: 6, blocks: 1 },
    { down: [2, 2], channels: 6, blocks: 1 },
  ],
});

/** @param start how the weights begin: `random` needs no eigenvalues. */
export function smallVaeTask(
  dataset: Dataset,
  start: "pca" | "random" = "pca",
  heldOut = 0,
  augment: object = {},
  rank: Rank = ONE_RANK,
): VaeTask {
  const batch = vaeBatchSchema.parse(start === "pca" ? { pixels: 2560, pcaClips: 8 } : { pixels: 2560, start });
  return new VaeTask({
    vae: vaeConfig,
    loss: vaeLossSchema.parse({}),
    batch,
    augment: augmentSchema.parse(augment),
    clips: poolOf(dataset),
    heldOut,
    seed: SEED,
    rank,
  });
}

export function smallDit(text = true): LatentModel {
  const encoder = { kind: "bytes", width: 8, depth: 1, heads: 2, maxTokens: 24, prefixBuckets: 16 };
  const dit = { kind: "dit", width: 12, depth: 2, heads: 2, patch: [1, 2, 2], text: text ? encoder : { kind: "none" } };
  return { dit: ditSchema.parse(dit), latentChannels: vaeConfig.latentChannels, prediction: "v" };
}

/** A VAE whose weights are random: its latents are as good as any to test with. */
export function randomCodec(engine: Engine, seed = SEED): VaeCodec {
  const layout = new FlatLayout(declareParams((p) => new Vae(vaeConfig, p)));
  const params = layout.allocate();
  layout.initialise(params, seed);
  return new VaeCodec(engine, vaeConfig, layout.views(params));
}

/** Latents that a random VAE makes of a dataset, and their statistics. Close the latents in the end. */
export async function smallLatents(dataset: Dataset): Promise<SmallLatents> {
  const engine = await createOnnxEngine({ threads: 1 });
  try {
    const codec = randomCodec(engine);
    const statistics = await latentStatistics(codec, dataset, 0);
    const { latents } = await ensureLatents(dataset, codec, "0123456789abcdef");
    return { latents, statistics };
  } finally {
    await engine.dispose();
  }
}

export interface SmallLatents {
  readonly latents: LatentSet;
  readonly statistics: LatentStats;
}

/** Packs of 24 tokens. */
export function smallDitTask(data: SmallLatents, options: Partial<DitTaskOptions> = {}): Promise<DitTask> {
  return DitTask.create({
    model: smallDit(),
    latents: poolOf(data.latents),
    statistics: data.statistics,
    objective: objectiveSchema.parse({}),
    packing: packingSchema.parse({ tokens: 24, maxPlans: 3 }),
    heldOut: 0,
    seed: SEED,
    ...options,
  });
}

/** A checkpoint in memory. */
export interface Kept {
  readonly step: number;
  readonly tensors: Readonly<Record<string, HostMap>>;
  readonly state: JsonObject;
}

/** Keeps copies of every snapshot; loads the last. */
export class MemoryStore implements CheckpointStore {
  readonly saved: Kept[] = [];

  async load(accepts: (state: JsonObject) => boolean = () => true): Promise<Kept | undefined> {
    return this.saved.findLast(({ state }) => accepts(state));
  }

  async save({ step, state, tensors }: Snapshot): Promise<void> {
    const parts = Object.entries(tensors).map(([part, views]) => [part, copied(views)] as const);
    this.saved.push({ step, state: structuredClone(state), tensors: Object.fromEntries(parts) });
  }
}

/** What a loop told its observer. */
export class Recorder implements LoopObserver {
  readonly lines: LogLine[] = [];
  readonly steps: number[] = [];
  readonly leftOut: number[] = [];
  readonly waysBack: (readonly [from: number, to: number])[] = [];
  readonly reasons: string[] = [];
  readonly sampled: number[] = [];
  readonly plans: string[] = [];
  readonly changes: string[] = [];

  started: LoopObserver["started"] = async () => undefined;
  compiled: LoopObserver["compiled"] = ({ key }) => {
    this.plans.push(key);
  };
  stepped: LoopObserver["stepped"] = (step) => {
    this.steps.push(step);
  };
  logged: LoopObserver["logged"] = (line) => {
    this.lines.push(line);
  };
  skipped: LoopObserver["skipped"] = (step, reason) => {
    this.reasons.push(reason);
    this.leftOut.push(step);
  };
  wentBack: LoopObserver["wentBack"] = async (step, toStep) => {
    this.waysBack.push([step, toStep]);
  };
  samples: LoopObserver["samples"] = async (step) => {
    this.sampled.push(step);
  };

  /** What a log must hold alike in two runs that are the same: no times, no memory. */
  get figures() {
    return this.lines.map(({ step, loss, aux, lr, gradNorm }) => ({ step, loss, aux, lr, gradNorm }));
  }
}

/** The task's assembler, in this thread. */
export function assemblerOf({ assembly, stores }: Task): Assembler {
  return new InTurn(createAssembler(assembly, stores));
}

/** The next batch of a task. */
export async function nextBatch(task: Task, step: number, part = 0): Promise<Batch> {
  const { order, redrawn: _, ...batch } = task.draw({ step, part });
  const { tensors: inputs } = new BatchBuffers(1).take(batch.arrangement.signature);
  await assemblerOf(task).fill(order, inputs);
  return { ...batch, inputs };
}

/** What the caller of `runLoop` says of a run. */
export interface LoopSetting {
  readonly train: object;
  readonly optim?: object;
  readonly store?: CheckpointStore;
  /** The step after which the run is asked to stop. */
  readonly stopAfter?: number;
  /** Asked between steps, like `stopAfter`. */
  readonly shouldStop?: () => boolean;
  readonly recorder?: Recorder;
  /** Whether changed code or data are accepted. False when not given. */
  readonly allowChanges?: boolean;
  /** In this thread when not given. */
  readonly assembler?: Assembler;
}

/** Runs a loop with small defaults. */
export async function runLoop(engine: Engine, task: Task, setting: LoopSetting): Promise<Recorder> {
  const { train, optim, store = new MemoryStore(), stopAfter, recorder = new Recorder() } = setting;
  const { shouldStop = () => false, assembler = assemblerOf(task) } = setting;
  await trainLoop({
    engine,
    task,
    assembler,
    prefetch: 2,
    seed: SEED,
    optim: adamwSchema.parse({ lr: 0.002, warmupSteps: 10, emaDecay: 0.9, ...optim }),
    train: trainSchema.parse(train),
    store,
    observer: recorder,
    onChange: async (what, difference) => {
      recorder.changes.push(`${what}: ${difference}`);
      if (!(setting.allowChanges ?? false)) throw new UserError(what, difference);
    },
    shouldStop: () => shouldStop() || (stopAfter !== undefined && recorder.steps.at(-1) === stopAfter),
  });
  return recorder;
}

function copied(views: HostMap): HostMap {
  return Object.fromEntries(Object.entries(views).map(([path, view]) => [path, { ...view, data: view.data.slice() }]));
}
