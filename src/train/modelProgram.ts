import { withoutPrefix, withPrefix } from "../base/tensors.ts";
import type { Binding, Engine, HostMap, Signature } from "../engine/engine.ts";
import type { ModelProgram } from "../models/program.ts";
import { bindParams } from "../nn/params.ts";

const PARAM = "param/";
const INPUT = "input/";

/** A model's program, compiled, with its weights in place. */
export interface CompiledModel {
  /** Ties it to host buffers for the program's inputs. */
  bind(inputs: HostMap): Binding;
  /** Frees the program and what is bound to it. */
  dispose(): Promise<void>;
}

/** Compiles a model for use with these weights, which the program reads where they lie. */
export async function compileModel(
  engine: Engine,
  name: string,
  model: ModelProgram,
  weights: HostMap,
): Promise<CompiledModel> {
  const compiled = await engine.compile(
    name,
    (inputs) => model.fn(bindParams(withoutPrefix(inputs, PARAM)), withoutPrefix(inputs, INPUT)),
    { ...withPrefix(specsOf(weights), PARAM), ...withPrefix(model.inputs, INPUT) },
  );
  return {
    bind: (inputs) => compiled.bind({ ...withPrefix(weights, PARAM), ...withPrefix(inputs, INPUT) }),
    dispose: () => compiled.dispose(),
  };
}

function specsOf(tensors: HostMap): Signature {
  return Object.fromEntries(Object.entries(tensors).map(([name, { shape, dtype }]) => [name, { shape, dtype }]));
}
