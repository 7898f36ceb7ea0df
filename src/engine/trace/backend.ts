import type { DataId, DataType, Tensor, TensorInfo } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { assert } from "../../base/errors.ts";
import { type DType, sizeOf } from "../../base/tensors.ts";
import { Builder } from "../graph/builder.ts";
import { fullType, type Node } from "../graph/graph.ts";

/** The name under which tfjs knows the recording backend. */
export const TRACE_BACKEND = "trace";

type Values = Float32Array | Int32Array | Uint8Array;

/** A tensor whose values are known while recording. It may outlive the recording: eager tensors can pass through. */
interface Known {
  readonly values: Values;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

interface Entry {
  refs: number;
  readonly known: Known | undefined;
  /** The node that stands for it, in the recording `recording`. */
  node: Node | undefined;
  recording: Builder | undefined;
}

/**
 * A tfjs backend that computes nothing: each kernel appends a node to the program being recorded.
 * Tensors made from values become constants; only those can be read.
 */
export class TraceBackend extends tf.KernelBackend {
  private readonly entries = new tf.DataStorage<Entry>(this, tf.engine());
  private builder: Builder | undefined;

  /** Runs `record` with an empty program that kernels append to. Recordings do not nest. */
  record<T>(record: (builder: Builder) => T): T {
    assert(this.builder === undefined, "a recording is under way");
    this.builder = new Builder();
    try {
      return record(this.builder);
    } finally {
      this.builder = undefined;
    }
  }

  /** The program being recorded. */
  get program(): Builder {
    assert(this.builder !== undefined, "the trace backend is used outside a recording");
    return this.builder;
  }

  /** The node that stands for a tensor. Known values become constants here, once for each recording. */
  node(tensor: TensorInfo): Node {
    const entry = this.entries.get(tensor.dataId);
    if (entry.recording === this.program && entry.node !== undefined) return entry.node;
    if (entry.known === undefined) throw new Error("a tensor of an earlier recording is used in this one");
    entry.node = constantNode(this.program, entry.known);
    entry.recording = this.program;
    return entry.node;
  }

  /** What tfjs calls a result. */
  info(node: Node): TensorInfo {
    const dataId: DataId = {};
    this.entries.set(dataId, { refs: 1, known: undefined, node, recording: this.program });
    return { dataId, shape: [...node.shape], dtype: fullType(node.dtype) };
  }

  /** A tensor that stands for a node. */
  tensor(node: Node): Tensor {
    return tf.engine().makeTensorFromTensorInfo(this.info(node), this);
  }

  override write(values: tf.BackendValues, shape: number[], dtype: DataType): DataId {
    const dataId: DataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(dataId: DataId, values: tf.BackendValues, shape: number[], dtype: DataType, refs: number): void {
    const known = { values: hostValues(values, dtype), shape, dtype: hostDType(dtype) };
    this.entries.set(dataId, { refs, known, node: undefined, recording: undefined });
  }

  override readSync(dataId: DataId): tf.BackendValues {
    const { known } = this.entries.get(dataId);
    if (known === undefined) throw new UnreadableTensor();
    return known.values;
  }

  override async read(dataId: DataId): Promise<tf.BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.entries.has(dataId)) return true;
    const entry = this.entries.get(dataId);
    entry.refs -= 1;
    if (!force && entry.refs > 0) return false;
    this.entries.delete(dataId);
    return true;
  }

  override incRef(dataId: DataId): void {
    this.entries.get(dataId).refs += 1;
  }

  override refCount(dataId: DataId): number {
    return this.entries.has(dataId) ? this.entries.get(dataId).refs : 0;
  }

  override numDataIds(): number {
    return this.entries.numDataIds();
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override dispose(): void {}
}

/** Thrown when a function reads a value that only exists when its program runs. */
export class UnreadableTensor extends Error {
  override readonly name = "UnreadableTensor";

  constructor() {
    super("a traced tensor has no values yet; return it from the function and read it from the program's output");
  }
}

/** The dtype of a tfjs tensor that engines can hold. @throws Error for complex and string tensors. */
export function hostDType(dtype: DataType): DType {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new Error(`tensors of dtype ${dtype} cannot be traced`);
}

function hostValues(values: tf.BackendValues, dtype: DataType): Values {
  if (values instanceof Float32Array || values instanceof Int32Array) return values;
  if (values instanceof Uint8Array) return values;
  const numbers = Array.from(values, Number);
  return dtype === "float32" ? Float32Array.from(numbers) : Int32Array.from(numbers);
}

function constantNode(builder: Builder, { values, shape, dtype }: Known): Node {
  const first = values[0];
  if (first !== undefined && values.every((value) => value === first)) return builder.fill(first, [...shape], dtype);
  assert(values.length === sizeOf(shape), `${values.length} values for shape [${shape}]`);
  const data = dtype === "bool" ? Uint8Array.from(values) : values.slice();
  return builder.make("constant", [], { data, shape: [...shape], dtype });
}
