import type { Scalar, Tensor } from "@tensorflow/tfjs";
import type { HostTensor, TensorSpec } from "../../src/base/tensors.ts";
import { withoutPrefix, withPrefix } from "../../src/base/tensors.ts";
import type { Engine, HostMap, Program, TensorFn } from "../../src/engine/engine.ts";
import { valueAndGrads } from "../../src/engine/ops/index.ts";
import type { ModelProgram } from "../../src/models/program.ts";
import { bindParams } from "../../src/nn/params.ts";

/** Eager tensors as host tensors. */
export function toHost(tensors: Readonly<Record<string, Tensor>>): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const dtype = tensor.dtype === "int32" ? "int32" : "float32";
      return [name, { shape: tensor.shape, dtype, data: tensor.dataSync<typeof dtype>() } as HostTensor];
    }),
  );
}

/** Compiles an objective's loss and gradients. Inputs: `param/` and `input/`; outputs: `loss`, and gradients by path. */
export function compileGradients(engine: Engine, { fn, inputs }: ModelProgram, params: HostMap): Promise<Program> {
  const program: TensorFn = (given) => {
    const { value, grads } = valueAndGrads(
      (tensors) => ({ loss: fn(bindParams(tensors), withoutPrefix(given, "input/")).loss as Scalar, aux: {} }),
      withoutPrefix(given, "param/"),
    );
    return { loss: value, ...grads };
  };
  const specs = Object.entries(params).map(([name, { shape, dtype }]): [string, TensorSpec] => [
    name,
    { shape, dtype },
  ]);
  const signature = { ...withPrefix(Object.fromEntries(specs), "param/"), ...withPrefix(inputs, "input/") };
  return engine.compile("objective", program, signature);
}

/** Runs an objective's loss and gradients once. Outputs: `loss`, and gradients by path. */
export async function runGradients(
  engine: Engine,
  objective: ModelProgram,
  params: HostMap,
  inputs: HostMap,
): Promise<HostMap> {
  const program = await compileGradients(engine, objective, params);
  const binding = program.bind({ ...withPrefix(params, "param/"), ...withPrefix(inputs, "input/") });
  await binding.run();
  return binding.outputs;
}
