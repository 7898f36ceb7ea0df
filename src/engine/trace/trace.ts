import * as tf from "@tensorflow/tfjs";
import { assert } from "../../base/errors.ts";
import type { Signature, TensorFn, TensorMap } from "../engine.ts";
import type { Graph } from "../graph/graph.ts";
import { TRACE_BACKEND, TraceBackend } from "./backend.ts";
import "./kernels/index.ts";
import { withTapeRestored } from "./tape.ts";

tf.registerBackend(TRACE_BACKEND, () => new TraceBackend(), 0);

/**
 * Calls `fn` once on tensors that record what is done to them. The current tfjs backend is restored afterwards.
 * @throws Error naming the program when `fn` reads a value or uses a kernel that cannot be recorded.
 */
export function trace(name: string, fn: TensorFn, signature: Signature): Graph {
  const engine = tf.engine();
  assert(engine.backend !== undefined, "tfjs has a backend");
  const previous = tf.getBackend();
  switchTo(TRACE_BACKEND);
  engine.startScope();
  try {
    const backend = tf.backend();
    assert(backend instanceof TraceBackend, "the trace backend is in place");
    return backend.record((builder) => {
      const inputs: TensorMap = {};
      for (const [inputName, { shape, dtype }] of Object.entries(signature)) {
        inputs[inputName] = backend.tensor(builder.make("input", [], { name: inputName, shape, dtype }));
      }
      const results = Object.entries(withTapeRestored(() => fn(inputs)));
      const outputs = results.map(([outputName, tensor]) => {
        if (outputName in inputs) throw new Error(`${outputName} names an input and an output; name them apart`);
        return { name: outputName, node: backend.node(tensor) };
      });
      return builder.graph(name, outputs);
    });
  } catch (error) {
    throw explained(name, error);
  } finally {
    engine.endScope();
    switchTo(previous);
  }
}

/** Takes effect at once: the backends concerned start synchronously. */
function switchTo(backend: string): void {
  tf.setBackend(backend).catch((error: unknown) => {
    throw error;
  });
}

function explained(program: string, error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  const kernel =
    /Kernel '([^']+)' not registered for backend 'trace'|registered kernel '([^']+)' for backend 'trace'/.exec(message);
  const missing = kernel?.[1] ?? kernel?.[2];
  const told = missing === undefined ? message : `the tfjs kernel ${missing} cannot be compiled; use other operations`;
  return new Error(`${program}: ${told}`, { cause: error });
}
