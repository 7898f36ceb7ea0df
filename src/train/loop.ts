import { z } from "zod";
import { conform } from "../base/conform.ts";
import { UserError } from "../base/errors.ts";
import type { JsonObject, JsonValue } from "../base/json.ts";
import { withoutPrefix, withPrefix } from "../base/tensors.ts";
import type { Engine, EngineMap, HostMap, Program } from "../engine/engine.ts";
import type { AdamWConfig } from "./adamw.ts";
import type { Assembler } from "./batches/assembler.ts";
import { BatchFeed } from "./batches/batchFeed.ts";
import { FlatLayout } from "./flatState.ts";
import type { TrainConfig } from "./loopConfig.ts";
import { LossScale, type LossScaleState, lossScaleSchema } from "./lossScale.ts";
import { type LogLine, type LossSums, lossSumsSchema, Meter, NO_LOSSES } from "./meter.ts";
import { StateBuffer } from "./stateBuffer.ts";
import { type StepReport, StepRunner, type TrainBuffers } from "./step.ts";
import type { Arrangement, Task } from "./task.ts";

/** Everything that decides how a run goes on, as it goes into a checkpoint. Tensors may be views of the live state. */
export interface Snapshot {
  readonly step: number;
  readonly tensors: Readonly<Record<"model" | "ema" | "optimizer", HostMap>>;
  readonly state: LoopState;
}

/** The part of a checkpoint that is not tensors. */
const loopStateSchema = z.strictObject({
  /** Where the data stands; null before the first batch. */
  cursor: z.json() as z.ZodType<JsonValue>,
  /** Steps left out because their loss or gradient was not finite. */
  skipped: z.int().nonnegative(),
  /** Losses of the steps since the last log line. */
  losses: lossSumsSchema,
  /** Where gradients are 16 bits wide: the scale of the loss. */
  lossScale: lossScaleSchema.nullable().default(null),
  /** The engine that computed the last step; null before the first. */
  engine: z.string().nullable().default(null),
});
export type LoopState = z.output<typeof loopStateSchema>;

/** Where checkpoints go and come from. */
export interface CheckpointStore {
  /** The newest good checkpoint; undefined for a new run. */
  load(): Promise<{ step: number; tensors: Readonly<Record<string, HostMap>>; state: JsonObject } | undefined>;
  save(snapshot: Snapshot): Promise<void>;
}

/** Who is told what the loop does. None of these may throw. */
export interface LoopObserver {
  /** Before the first step. `writtenOn`: the engine that the checkpoint comes from, when it is another than this one. */
  started(fromStep: number, layout: FlatLayout, writtenOn?: string): Promise<void>;
  compiled(arrangement: Arrangement, program: Program): void;
  /** After each step. */
  stepped(step: number, line: LogLine): void;
  /** Each `logEvery` steps, and after the last. */
  logged(line: LogLine): void;
  /** A step was left out: its loss or gradient was not finite. `lossScale`: the smaller scale that will mend it. */
  skipped(step: number, lossScale?: number): void;
  /** Time for sample pictures from these weights. */
  samples(step: number, ema: EngineMap): Promise<void>;
}

export interface LoopOptions {
  readonly engine: Engine;
  readonly task: Task;
  readonly assembler: Assembler;
  /** Steps whose batches are assembled ahead. */
  readonly prefetch: number;
  readonly seed: number;
  readonly optim: AdamWConfig;
  readonly train: TrainConfig;
  readonly store: CheckpointStore;
  readonly observer: LoopObserver;
  /** Asked between steps: true saves a checkpoint and ends the loop early. */
  readonly shouldStop: () => boolean;
}

/** Trains a task from its last checkpoint, or from the start, to its last step. */
export async function trainLoop(options: LoopOptions): Promise<{ step: number; ema: HostMap }> {
  const { engine, task, assembler, prefetch, optim, train, store, observer } = options;
  const layout = new FlatLayout(task.params);
  const state = await startingState(options, layout);
  const { buffers } = state;
  const lossScale = LossScale.for(engine, state.lossScale);
  const meter = new Meter(state.losses);
  const runner = await StepRunner.create({
    engine,
    layout,
    buffers,
    optim,
    numSteps: train.steps,
    numParts: train.accumulate,
    numLanes: train.lanes,
    lossScale,
    onCompiled: (arrangement, program) => {
      observer.compiled(arrangement, program);
      meter.restartClock();
    },
  });
  await observer.started(state.step, layout, otherEngine(state, engine));

  let badSteps = 0;
  const { steps: numSteps, accumulate: numParts } = train;
  const feed = new BatchFeed({ task, assembler, fromStep: state.step, numSteps, numParts, prefetch });
  try {
    while (state.step < train.steps) {
      const step = state.step + 1;
      const last = step === train.steps;
      const asked = performance.now();
      const batches = await feed.next();
      const waitedMs = performance.now() - asked;
      const report = await runner.step(step, batches);
      state.step = step;
      state.cursor = batches.at(-1)?.cursor ?? null;
      const line = meter.measure(step, report, batches, waitedMs);
      observer.stepped(step, line);

      if (report.applied) badSteps = 0;
      else {
        state.skipped++;
        if (!report.overflowed) badSteps++;
        observer.skipped(step, report.overflowed ? lossScale?.value : undefined);
      }
      if (badSteps >= train.maxBadSteps) throw diverged(step, badSteps, report);
      if (last || step % train.logEvery === 0) {
        observer.logged(line);
        meter.flush();
      }
      state.losses = meter.losses;
      state.lossScale = lossScale?.state ?? null;
      state.engine = engine.description;
      const stops = options.shouldStop();
      if (last || stops || step % train.checkpointEvery === 0) await store.save(await snapshot(state));
      if (last || (train.sampleEvery > 0 && step % train.sampleEvery === 0)) {
        await observer.samples(step, buffers.ema.tensors);
        meter.restartClock();
      }
      if (stops) break;
    }
  } finally {
    await feed.close();
  }
  return { step: state.step, ema: await buffers.ema.fetch() };
}

function diverged(step: number, badSteps: number, { loss, gradNorm }: StepReport): UserError {
  return new UserError(`step ${step}`, {
    expected: "a finite loss and gradient",
    got: `${badSteps} steps in a row without (loss ${loss}, gradient norm ${gradNorm})`,
    try: "a lower optim.lr or more optim.warmupSteps",
  });
}

interface RunState {
  readonly buffers: TrainBuffers;
  step: number;
  cursor: JsonValue;
  skipped: number;
  losses: LossSums;
  lossScale: LossScaleState | null;
  engine: string | null;
}

const NEW_RUN = { step: 0, cursor: null, skipped: 0, losses: NO_LOSSES, lossScale: null, engine: null };

async function startingState({ engine, task, store, seed }: LoopOptions, layout: FlatLayout): Promise<RunState> {
  const start = {
    params: layout.allocate(),
    ema: layout.allocate(),
    moment1: layout.allocate(),
    moment2: layout.allocate(),
  };
  const checkpoint = await store.load();
  if (checkpoint === undefined) {
    layout.initialise(start.params, seed);
    layout.overwrite(start.params, await task.startingValues());
    start.ema.set(start.params);
    return { buffers: await placed(engine, layout, start), ...NEW_RUN };
  }
  const { tensors, step } = checkpoint;
  const state = conform(loopStateSchema, checkpoint.state, `checkpoint ${step} state.json`);
  layout.load(start.params, tensors.model ?? {}, `checkpoint ${step} model`);
  layout.load(start.ema, tensors.ema ?? {}, `checkpoint ${step} ema`);
  for (const moment of ["moment1", "moment2"] as const) {
    const values = withoutPrefix(tensors.optimizer ?? {}, `${moment}/`);
    layout.load(start[moment], values, `checkpoint ${step} optimizer ${moment}`);
  }
  if (state.cursor !== null) task.seek(state.cursor);
  return { buffers: await placed(engine, layout, start), step, ...state };
}

async function placed(
  engine: Engine,
  layout: FlatLayout,
  values: Readonly<Record<keyof TrainBuffers, Float32Array>>,
): Promise<TrainBuffers> {
  return {
    params: await StateBuffer.place(engine, layout, values.params),
    ema: await StateBuffer.place(engine, layout, values.ema),
    moment1: await StateBuffer.place(engine, layout, values.moment1),
    moment2: await StateBuffer.place(engine, layout, values.moment2),
  };
}

/** The engine that computed a resumed state, when it is another than this one. */
function otherEngine(state: RunState, engine: Engine): string | undefined {
  return state.engine === null || state.engine === engine.description ? undefined : state.engine;
}

async function snapshot({ buffers, step, ...state }: RunState): Promise<Snapshot> {
  const { params, ema, moment1, moment2 } = buffers;
  return {
    step,
    tensors: {
      model: await params.fetch(),
      ema: await ema.fetch(),
      optimizer: {
        ...withPrefix(await moment1.fetch(), "moment1/"),
        ...withPrefix(await moment2.fetch(), "moment2/"),
      },
    },
    state,
  };
}
