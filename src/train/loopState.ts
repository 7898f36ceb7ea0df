import { z } from "zod";
import { conform } from "../base/conform.ts";
import type { JsonObject, JsonValue } from "../base/json.ts";
import { withoutPrefix, withPrefix } from "../base/tensors.ts";
import type { Engine, HostMap } from "../engine/engine.ts";
import type { FlatLayout } from "./flatState.ts";
import { lossScaleSchema } from "./lossScale.ts";
import { lossSumsSchema, NO_LOSSES } from "./meter.ts";
import { StateBuffer } from "./stateBuffer.ts";
import { overwriteState } from "./stateCopy.ts";
import type { TrainBuffers } from "./step.ts";
import type { Task } from "./task.ts";

/** The part of a checkpoint that is not tensors. */
const loopStateSchema = z.strictObject({
  /** Where the data stands; null before the first batch. */
  cursor: z.json() as z.ZodType<JsonValue>,
  /** Steps left out because their loss or gradient was not finite, or their loss a spike. */
  skipped: z.int().nonnegative(),
  /** How many of them were the last ones, without one that was applied between. */
  badSteps: z.int().nonnegative().default(0),
  /**
   * Whether the run may go back to this checkpoint: it was planned, and its last step applied. One made because the run
   * was asked to stop is not: a run that never stopped would not have it.
   */
  isGood: z.boolean().default(true),
  /** How often the run went back to a checkpoint. */
  rollbacks: z.int().nonnegative().default(0),
  /** Losses of the steps since the last log line. */
  losses: lossSumsSchema,
  /** Losses of the steps since the last planned checkpoint. */
  lossesSinceCheckpoint: lossSumsSchema.default(NO_LOSSES),
  /** What spikes are measured against; empty where none are looked for. */
  recentLosses: z.array(z.number()).readonly().default([]),
  /** Where gradients are 16 bits wide: the scale of the loss. */
  lossScale: lossScaleSchema.nullable().default(null),
  /** The engine that computed the last step; null before the first. */
  engine: z.string().nullable().default(null),
  /** Digests of the recorded programs that made the steps, by arrangement. */
  programs: z.record(z.string(), z.string()).default({}),
  /** Digest of the batches of the step that comes next; null after the last. */
  nextBatches: z.string().nullable().default(null),
});
export type LoopState = z.output<typeof loopStateSchema>;

const FRESH: LoopState = {
  cursor: null,
  skipped: 0,
  badSteps: 0,
  isGood: true,
  rollbacks: 0,
  losses: NO_LOSSES,
  lossesSinceCheckpoint: NO_LOSSES,
  recentLosses: [],
  lossScale: null,
  engine: null,
  programs: {},
  nextBatches: null,
};

/** Everything that decides how a run goes on, as it goes into a checkpoint. Its tensors are copies. */
export interface Snapshot {
  readonly step: number;
  readonly tensors: Readonly<Record<"model" | "ema" | "optimizer", HostMap>>;
  readonly state: LoopState;
  /** The means of the losses since the planned checkpoint before, by their logged names. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** What a store gives back. */
export interface StoredState {
  readonly step: number;
  readonly tensors: Readonly<Record<string, HostMap>>;
  readonly state: JsonObject;
}

type Buffers = Readonly<Record<keyof TrainBuffers, Float32Array>>;

/** A point of a run: host buffers, step and the rest. */
export interface LoopPoint {
  readonly values: Buffers;
  readonly step: number;
  readonly state: LoopState;
}

/** The first point of a run. */
export async function firstPoint(task: Task, layout: FlatLayout, seed: number): Promise<LoopPoint> {
  const values = allocated(layout);
  layout.initialise(values.params, seed);
  layout.overwrite(values.params, await task.startingValues());
  values.ema.set(values.params);
  return { values, step: 0, state: FRESH };
}

/** The point that a checkpoint holds. @throws UserError when it does not fit the model. */
export function storedPoint(layout: FlatLayout, { step, tensors, state }: StoredState): LoopPoint {
  const values = allocated(layout);
  const read = conform(loopStateSchema, state, `checkpoint ${step} state.json`);
  layout.load(values.params, tensors.model ?? {}, `checkpoint ${step} model`);
  layout.load(values.ema, tensors.ema ?? {}, `checkpoint ${step} ema`);
  for (const moment of ["moment1", "moment2"] as const) {
    const named = withoutPrefix(tensors.optimizer ?? {}, `${moment}/`);
    layout.load(values[moment], named, `checkpoint ${step} optimizer ${moment}`);
  }
  return { values, step, state: read };
}

/** Puts a point's buffers where the engine computes. */
export async function placePoint(engine: Engine, layout: FlatLayout, { values }: LoopPoint): Promise<TrainBuffers> {
  return {
    params: await StateBuffer.place(engine, layout, values.params),
    ema: await StateBuffer.place(engine, layout, values.ema),
    moment1: await StateBuffer.place(engine, layout, values.moment1),
    moment2: await StateBuffer.place(engine, layout, values.moment2),
  };
}

/** Writes a point's values over placed buffers; programs stay bound to them. */
export async function restorePoint(engine: Engine, buffers: TrainBuffers, { values }: LoopPoint): Promise<void> {
  for (const name of Object.keys(values) as (keyof TrainBuffers)[]) {
    await overwriteState(engine, buffers[name], values[name]);
  }
}

/** Copies of the tensors of a checkpoint, 16 bytes for each parameter. */
export async function copyTensors({ params, ema, moment1, moment2 }: TrainBuffers): Promise<Snapshot["tensors"]> {
  return {
    model: await params.copy(),
    ema: await ema.copy(),
    optimizer: {
      ...withPrefix(await moment1.copy(), "moment1/"),
      ...withPrefix(await moment2.copy(), "moment2/"),
    },
  };
}

function allocated(layout: FlatLayout): Buffers {
  return {
    params: layout.allocate(),
    ema: layout.allocate(),
    moment1: layout.allocate(),
    moment2: layout.allocate(),
  };
}
