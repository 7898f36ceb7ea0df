import { withoutPrefix, withPrefix } from "../base/tensors.ts";
import type { ProgramSource } from "../engine/compile.ts";
import type { Binding, Engine, EngineMap, Signature } from "../engine/engine.ts";
import { bindParams } from "../nn/params.ts";
import type { ModelProgram } from "./program.ts";

const PARAM = "param/";
const INPUT = "input/";

/** A model's program, compiled, with its weights in place. */
export interface CompiledModel {
  /** Floating-point operations of one run; undefined where the engine does not count them. */
  readonly flops: number | undefined;
  /** Ties it to tensors for the program's inputs and outputs. Outputs not given are allocated in host memory. */
  bind(inputs: EngineMap, outputs?: EngineMap): Binding;
  /** Frees the program and what is bound to it. */
  dispose(): Promise<void>;
}

/** Compiles a model for use with these weights. Those in host memory go to the engine's device, if it has one, once. */
export async function compileModel(
  engine: Engine,
  name: string,
  model: ModelProgram,
  weights: EngineMap,
): Promise<CompiledModel> {
  const { fn, signature } = modelSource(name, model, specsOf(weights));
  const compiled = await engine.compile(name, fn, signature);
  const placed = await engine.place(weights);
  const own = Object.fromEntries(Object.entries(placed).filter(([path, tensor]) => tensor !== weights[path]));
  return {
    flops: compiled.flops,
    bind: (inputs, outputs) => compiled.bind({ ...withPrefix(placed, PARAM), ...withPrefix(inputs, INPUT) }, outputs),
    dispose: async () => {
      await compiled.dispose();
      engine.release(own);
    },
  };
}

/** A model's program: weights by path under `param/`, its inputs under `input/`. */
export function modelSource(name: string, model: ModelProgram, weights: Signature): ProgramSource {
  return {
    name,
    fn: (inputs) => model.fn(bindParams(withoutPrefix(inputs, PARAM)), withoutPrefix(inputs, INPUT)),
    signature: { ...withPrefix(weights, PARAM), ...withPrefix(model.inputs, INPUT) },
  };
}

function specsOf(tensors: EngineMap): Signature {
  return Object.fromEntries(Object.entries(tensors).map(([name, { shape, dtype }]) => [name, { shape, dtype }]));
}
