import type { Tensor } from "@tensorflow/tfjs";
import type { HostTensor, TensorSpec } from "../base/tensors.ts";

/** Named tensors inside a pure function: traced ones, or eager ones of a tfjs backend. */
export type TensorMap = Record<string, Tensor>;

/** A pure function over tensors, written against tfjs-core ops and `engine/ops`. Must not read values or keep state. */
export type TensorFn = (inputs: TensorMap) => TensorMap;

/** Names, shapes and dtypes of a function's inputs. */
export type Signature = Readonly<Record<string, TensorSpec>>;

/** Host tensors by name. */
export type HostMap = Readonly<Record<string, HostTensor>>;

/** Something that computes pure tensor functions: ONNX Runtime with compiled programs, or a tfjs backend eagerly. */
export interface Engine {
  /** `onnx`, or the tfjs backend's name: `tensorflow`, `wasm`, `cpu`. */
  readonly kind: string;
  /** Makes a program of `fn` for one signature. `name` appears in errors and in the cache only. */
  compile(name: string, fn: TensorFn, signature: Signature): Promise<Program>;
  /** Frees everything that the engine's programs hold. */
  dispose(): Promise<void>;
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
  /** True when the program's model bytes came from the program cache. */
  readonly cached: boolean;
  /**
   * Ties the program to host buffers that later runs read and write in place.
   * Outputs not given are allocated. An output may be the same memory as an input where the program updates it
   * elementwise. Binding is not free; do it once for buffers that are used often.
   */
  bind(inputs: HostMap, outputs?: HostMap): Binding;
  dispose(): Promise<void>;
}

/** A program with its buffers. */
export interface Binding {
  readonly outputs: HostMap;
  /** Runs once: reads every input buffer, writes every output buffer. Do not touch them until it resolves. */
  run(): Promise<void>;
  dispose(): void;
}
