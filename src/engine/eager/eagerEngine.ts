import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { assert } from "../../base/errors.ts";
import type { HostTensor, TensorSpec } from "../../base/tensors.ts";
import { traceProgram } from "../compile.ts";
import type { Binding, Engine, EngineMap, Program, Signature, TensorFn, TensorMap } from "../engine.ts";
import { Exclusive, inProgram } from "../runtime/exclusive.ts";
import { completed, hostMemory, onlyHost, pickHostTensors } from "../runtime/hostBuffers.ts";
import { type EagerKind, loadBackend, onBackend } from "./backends.ts";

/**
 * An engine that calls each function anew on a tfjs backend, operation by operation: slow, and easy to debug.
 * @throws Error telling what to install when the backend does not load.
 */
export async function createEagerEngine(kind: EagerKind): Promise<Engine> {
  await loadBackend(kind);
  return {
    ...hostMemory,
    kind,
    description: kind,
    precision: "f32",
    compile: async (name, fn, signature) => new EagerProgram(kind, name, fn, signature),
    dispose: async () => undefined,
  };
}

class EagerProgram implements Program {
  readonly name: string;
  readonly inputs: Signature;
  readonly outputs: Signature;
  readonly compileMs = 0;
  readonly flops: number | undefined;
  readonly digest: string | undefined;
  readonly cached = false;
  readonly fallbacks = [];
  private readonly kind: EagerKind;
  private readonly fn: TensorFn;

  constructor(kind: EagerKind, name: string, fn: TensorFn, signature: Signature) {
    this.kind = kind;
    this.name = name;
    this.fn = fn;
    this.inputs = signature;
    const { outputs, flops, digest } = this.inferOutputs();
    this.outputs = outputs;
    this.flops = flops;
    this.digest = digest;
  }

  bind(inputs: EngineMap, outputs: EngineMap = {}): Binding {
    const sources = pickHostTensors(this.name, "input", this.inputs, inputs);
    const complete = completed(this.outputs, outputs);
    const targets = pickHostTensors(this.name, "output", this.outputs, complete);
    const guard = new Exclusive(this.name);
    return {
      outputs: onlyHost(complete),
      run: () => guard.run(async () => this.evaluate(sources, targets)),
      dispose: () => guard.close(() => undefined),
    };
  }

  async dispose(): Promise<void> {}

  private evaluate(sources: readonly [string, HostTensor][], targets: readonly [string, HostTensor][]): void {
    this.call(sources, (results) => {
      const values = targets.map(([name]) => results[name]?.dataSync());
      targets.forEach(([name, { data }], i) => {
        const source = values[i];
        assert(source?.length === data.length, `${this.name} returns output ${name} as in its first call`);
        data.set(source);
      });
    });
  }

  /** Records the function; where that fails, as with functions that print what they compute, calls it on zeros. */
  private inferOutputs(): Pick<Program, "outputs" | "flops" | "digest"> {
    try {
      return traceProgram(this.name, this.fn, this.inputs);
    } catch {
      return { outputs: this.outputsOnZeros(), flops: undefined, digest: undefined };
    }
  }

  private outputsOnZeros(): Signature {
    return this.call(Object.entries(completed(this.inputs, {})), (results) =>
      Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, specOf(name, tensor)])),
    );
  }

  /** Calls the function on host data. Its tensors live until `use` returns. */
  private call<T>(sources: readonly [string, HostTensor][], use: (results: TensorMap) => T): T {
    return onBackend(this.kind, () => {
      const engine = tf.engine();
      engine.startScope();
      try {
        const entries = sources.map(([name, { data, shape, dtype }]) => [name, tf.tensor(data, [...shape], dtype)]);
        return use(this.fn(Object.fromEntries(entries) as TensorMap));
      } catch (error) {
        throw inProgram(this.name, error);
      } finally {
        engine.endScope();
      }
    });
  }
}

function specOf(name: string, { shape, dtype }: Tensor): TensorSpec {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return { shape, dtype };
  throw new Error(`output ${name} has dtype ${dtype}, which engines do not hold`);
}
