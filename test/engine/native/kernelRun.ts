import { floats, type HostTensor } from "../../../src/base/tensors.ts";
import { NATIVE_DOMAIN } from "../../../src/engine/native/customOp.ts";
import { type KernelSpec, kernelName } from "../../../src/engine/native/kernelSpec.ts";
import { encodeOnnx } from "../../../src/engine/onnx/encode.ts";
import type { Executor } from "../../../src/engine/runtime/executor.ts";

/** Runs one kernel as the only node of a model. */
export async function runKernel(
  executor: Executor,
  spec: KernelSpec,
  inputs: readonly HostTensor[],
  shapes: readonly (readonly number[])[],
): Promise<HostTensor[]> {
  const name = kernelName(spec);
  const specsOf = (prefix: string, list: readonly (readonly number[])[]) =>
    list.map((shape, i) => ({ name: `${prefix}${i}`, spec: { shape, dtype: "float32" } as const }));
  const signature = (values: ReturnType<typeof specsOf>) => Object.fromEntries(values.map((v) => [v.name, v.spec]));
  const given = specsOf(
    "x",
    inputs.map(({ shape }) => shape),
  );
  const made = specsOf("y", shapes);
  const bytes = encodeOnnx({
    name,
    opsets: { "": 21, [NATIVE_DOMAIN]: 1 },
    nodes: [{ op: name, domain: NATIVE_DOMAIN, inputs: given.map((v) => v.name), outputs: made.map((v) => v.name) }],
    initializers: [],
    inputs: given,
    outputs: made,
  });
  const model = { name, bytes, inputs: signature(given), outputs: signature(made), kernels: [{ name, spec }] };
  const session = await executor.open(model);
  try {
    const outputs = shapes.map((shape) => floats(shape));
    const byName = (prefix: string, list: readonly HostTensor[]) =>
      Object.fromEntries(list.map((tensor, i) => [`${prefix}${i}`, tensor]));
    await session.bind(byName("x", inputs), byName("y", outputs)).run();
    return outputs;
  } finally {
    await session.dispose();
  }
}
