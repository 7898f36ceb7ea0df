import type { Scalar } from "@tensorflow/tfjs";
import type { JsonValue } from "../base/json.ts";
import type { DamagedRow } from "../data/shards/damagedRow.ts";
import type { RowStores } from "../data/shards/rowStores.ts";
import type { HostMap, Signature, TensorMap } from "../engine/engine.ts";
import type { ParamSpec, Params } from "../nn/params.ts";
import type { Assembly } from "./batches/assembler.ts";
import type { BatchOrder, BatchPlace } from "./batches/order.ts";

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

/** A batch as it is drawn: everything that decides its numbers, and none of its tensors yet. */
export interface DrawnBatch {
  readonly arrangement: Arrangement;
  /** What the assembler makes the tensors of. */
  readonly order: BatchOrder;
  readonly numClips: number;
  /** Tokens of a pack, or latent cells of a VAE batch. */
  readonly numTokens: number;
  /** Where the data stands after this batch: what a checkpoint keeps. */
  readonly cursor: JsonValue;
  /** How often clips came until then, by the names that the log has for it: `epoch`, `epoch/<source>`. */
  readonly epochs: Readonly<Record<string, number>>;
  /** The same batch with other clips in the place of those that were noted as damaged since. */
  redrawn(): DrawnBatch;
}

/** One batch in host memory. */
export interface Batch extends Omit<DrawnBatch, "order" | "redrawn"> {
  readonly inputs: HostMap;
}

/** What the loop trains: a stage (VAE, DiT) as parameters, batches and a loss. */
export interface Task {
  readonly params: readonly ParamSpec[];
  /** Better starting values than the specs' own for some parameters, by path (a PCA start, say). */
  startingValues(): Promise<Readonly<Record<string, Float32Array>>>;
  /** What batches are assembled by. */
  readonly assembly: Assembly;
  /** Where the rows of batches are. */
  readonly stores: RowStores;
  /** Draws the next batch. Its random numbers are keyed by `at`. */
  draw(at: BatchPlace): DrawnBatch;
  /** Notes that a clip is damaged. @throws UserError when too many are. */
  note(damaged: DamagedRow): void;
  /** Puts the data back where a batch's cursor said. */
  seek(cursor: JsonValue): void;
}
