import type { EngineMap, EngineMemory, Fallback, Signature } from "../engine.ts";
import type { VectorIsa } from "../native/asm/vectorIsa.ts";
import type { KernelCall } from "../native/kernelSpec.ts";
import type { ProviderName } from "../onnx/provider.ts";

/** A model ready for ONNX Runtime: its bytes, and the names, shapes and dtypes that it reads and writes. */
export interface EncodedModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly inputs: Signature;
  readonly outputs: Signature;
  /** Native kernels that the model calls; an executor without `native` cannot load a model that has any. */
  readonly kernels?: readonly KernelCall[];
}

export interface OpenOptions {
  /** False for a model that ONNX Runtime optimised before. Default true. */
  readonly optimize?: boolean;
  /** File to write the optimised model to. */
  readonly saveTo?: string | undefined;
}

/** One way to call ONNX Runtime. */
export interface Executor {
  /** `c`: its C API, on user memory and off the JavaScript thread. `js`: onnxruntime-node's own API. */
  readonly name: "c" | "js";
  /** What sessions compute on. */
  readonly provider: ProviderName;
  readonly memory: EngineMemory;
  /** ONNX Runtime's version. */
  readonly version: string;
  /** Threads that one run uses. */
  readonly threads: number;
  /** What native kernels that models call are written in; undefined where models cannot call any. */
  readonly native: VectorIsa | undefined;
  /** Loads a model. @throws Error when ONNX Runtime refuses it. */
  open(model: EncodedModel, options?: OpenOptions): Promise<Session>;
  /** Frees what sessions share. Sessions are disposed before it. */
  dispose(): Promise<void>;
}

/** A loaded model. */
export interface Session {
  /** Nodes that run on the processors instead of the executor's device. */
  readonly fallbacks: readonly Fallback[];
  /**
   * Ties the model to memory, one tensor for each of its inputs and outputs.
   * An output may share memory with an input that the model updates elementwise.
   * @throws Error when a tensor is missing or has another shape, dtype or size than the model's.
   */
  bind(inputs: EngineMap, outputs: EngineMap): Run;
  dispose(): Promise<void>;
}

/** A loaded model with its memory. */
export interface Run {
  /** Computes once. Inputs are read and outputs written before it resolves. */
  run(): Promise<void>;
  dispose(): void;
}
