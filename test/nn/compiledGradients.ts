import type { Scalar, Tensor } from "@tensorflow/tfjs";
import type { HostTensor, TensorSpec } from "../../src/base/tensors.ts";
import { withoutPrefix, withPrefix } from "../../src/base/tensors.ts";
import type { Engine, HostMap, TensorFn } from "../../src/engine/engine.ts";
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

/** Compiles an objective's loss and gradients on an engine and runs it once. Outputs: `loss`, and gradients by path. */
export async function runGradients(
  engine: Engine,
  { fn }: ModelProgram,
  params: HostMap,
  inputs: HostMap,
): Promise<HostMap> {
  const program: TensorFn = (given) => {
    const { value, grads } = valueAndGrads(
      (tensors) => ({ loss: fn(bindParams(tensors), withoutPrefix(given, "input/")).loss as Scalar, aux: {} }),
      withoutPrefix(given, "param/"),
    );
    return { loss: value, ...grads };
  };
  const all = { ...withPrefix(params, "param/"), ...withPrefix(inputs, "input/") };
  const signature = Object.fromEntries(
    Object.entries(all).map(([name, { shape, dtype }]): [string, TensorSpec] => [name, { shape, dtype }]),
  );
  const binding = (await engine.compile("objective", program, signature)).bind(all);
  await binding.run();
  return binding.outputs;
}
