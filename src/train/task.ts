import type { Scalar } from "@tensorflow/tfjs";
import type { JsonValue } from "../base/json.ts";
import type { HostMap, Signature, TensorMap } from "../engine/engine.ts";
import type { ParamSpec, Params } from "../nn/params.ts";

/** A scalar loss and further scalars to log, of one batch. */
export interface LossValue {
  readonly loss: Scalar;
  readonly aux: TensorMap;
}

/** A fixed arrangement of a batch (a bucket's shape, a pack plan): each is compiled once. */
export interface Arrangement {
  /** Names the arrangement in logs and programs, e.g. `9x4x4+1x8x8`. */
  readonly key: string;
  /** Shapes of the batch's tensors. */
  readonly signature: Signature;
  /** Pure function of parameters and batch. */
  loss(params: Params, batch: TensorMap): LossValue;
}

/** One batch in host memory. */
export interface Batch {
  readonly arrangement: Arrangement;
  readonly inputs: HostMap;
  readonly numClips: number;
  /** Tokens of a pack, or latent cells of a VAE batch. */
  readonly numTokens: number;
  /** Where the data stands after this batch: what a checkpoint keeps. */
  readonly cursor: JsonValue;
}

/** What the loop trains: a stage (VAE, DiT) as parameters, batches and a loss. */
export interface Task {
  readonly params: readonly ParamSpec[];
  /** Better starting values than the specs' own for some parameters, by path (a PCA start, say). */
  startingValues(): Promise<Readonly<Record<string, Float32Array>>>;
  /** The next batch. Its random draws are keyed by `step` and `part` (which of the step's accumulated batches). */
  nextBatch(step: number, part: number): Promise<Batch>;
  /** Puts the data back where a batch's cursor said. */
  seek(cursor: JsonValue): void;
}
