import type { Tensor } from "@tensorflow/tfjs";
import type { HostTensor, TensorSpec } from "../base/tensors.ts";
import type { Precision } from "./precision.ts";

/** Named tensors inside a pure function: traced ones, or eager ones of a tfjs backend. */
export type TensorMap = Record<string, Tensor>;

/** A pure function over tensors, written against tfjs-core ops and `engine/ops`. Must not read values or keep state. */
export type TensorFn = (inputs: TensorMap) => TensorMap;

/** Names, shapes and dtypes of a function's inputs. */
export type Signature = Readonly<Record<string, TensorSpec>>;

/** Host tensors by name. */
export type HostMap = Readonly<Record<string, HostTensor>>;

/** A tensor that lies on an engine's device between runs. Only that engine can use it. */
export interface DeviceTensor extends TensorSpec {
  readonly device: string;
}

/** Tensors by name, each in host memory or on the engine's device. */
export type EngineMap = Readonly<Record<string, HostTensor | DeviceTensor>>;

/** Copies between host memory and a device, counted since the engine was made. */
export interface Transfers {
  readonly uploads: number;
  readonly uploadedBytes: number;
  readonly downloads: number;
  readonly downloadedBytes: number;
  /** Time that runs and placements waited for copies to the device. */
  readonly uploadMs: number;
}

/** What an engine holds in a device's memory, in bytes. */
export interface DeviceUse {
  /** Tensors that were placed, and the companions of host tensors that programs are bound to. */
  readonly tensors: number;
  /** The most that was ever in use, intermediate results too; undefined where the device's allocator does not count. */
  readonly peak: number | undefined;
}

/** Where an engine's programs compute, and how tensors get there and back. */
export interface EngineMemory {
  /**
   * `host`: programs work on host tensors where they lie. `device`: on tensors that were placed; host tensors that a
   * program is bound to are copied to the device before each run, or back after it.
   */
  readonly memory: "host" | "device";
  /** Tensors where programs compute: copies on the device, or the very same in host memory. Free them with `release`. */
  place(tensors: EngineMap): Promise<EngineMap>;
  /** The values of placed tensors: copies from the device, or the very same in host memory. */
  fetch(tensors: EngineMap): Promise<HostMap>;
  /** Frees what `place` made. No program may be bound to it any more. */
  release(tensors: EngineMap): void;
  /** Zeros for engines that compute in host memory. */
  readonly transfers: Transfers;
  /** Undefined for engines that compute in host memory. */
  readonly deviceUse: DeviceUse | undefined;
}

/** Something that computes pure tensor functions: ONNX Runtime with compiled programs, or a tfjs backend eagerly. */
export interface Engine extends EngineMemory {
  /** `onnx`, or the tfjs backend's name: `tensorflow`, `wasm`, `cpu`. */
  readonly kind: string;
  /** Kind, device and precision in a few words, for logs: `onnx on webgpu, f16`. */
  readonly description: string;
  /** Of products and convolutions; all else is computed in 32 bits. */
  readonly precision: Precision;
  /** Makes a program of `fn` for one signature. `name` appears in errors and in the cache only. */
  compile(name: string, fn: TensorFn, signature: Signature): Promise<Program>;
  /** Frees everything that the engine's programs hold. */
  dispose(): Promise<void>;
}

/** An operation that the processors compute although the engine's device computes the rest. */
export interface Fallback {
  /** Its node in the program's text form; empty where ONNX Runtime made the node. */
  readonly node: string;
  /** ONNX operator. */
  readonly op: string;
}

/** A function made ready for one signature. */
export interface Program {
  readonly name: string;
  readonly inputs: Signature;
  readonly outputs: Signature;
  /** Milliseconds spent on tracing, passes, encoding and session creation; 0 on eager engines. */
  readonly compileMs: number;
  /** Floating-point operations of one run, counted from its matrix products and convolutions; undefined if unknown. */
  readonly flops: number | undefined;
  /** Tells what was recorded from what another code would record; undefined where the function cannot be recorded. */
  readonly digest: string | undefined;
  /** True when the program's model bytes came from the program cache. */
  readonly cached: boolean;
  /** Operations that the engine's device cannot compute. None on engines without a device. */
  readonly fallbacks: readonly Fallback[];
  /**
   * Ties the program to tensors that later runs read and write. Outputs not given are allocated in host memory.
   * An output may be the same tensor as an input where the program updates it elementwise, in more than one operation.
   * Binding is not free; do it once for tensors that are used often.
   */
  bind(inputs: EngineMap, outputs?: EngineMap): Binding;
  dispose(): Promise<void>;
}

/** A program with its tensors. */
export interface Binding {
  /** The outputs in host memory; those that stay on the device are not among them. */
  readonly outputs: HostMap;
  /** Runs once: reads every input, writes every output. Do not touch host tensors until it resolves. */
  run(): Promise<void>;
  dispose(): void;
}
