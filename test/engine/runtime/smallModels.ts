import type { TensorSpec } from "../../../src/base/tensors.ts";
import type { Signature } from "../../../src/engine/engine.ts";
import { encodeOnnx } from "../../../src/engine/onnx/encode.ts";
import type { OnnxInitializer, OnnxNode, OnnxValue } from "../../../src/engine/onnx/model.ts";
import type { EncodedModel } from "../../../src/engine/runtime/executor.ts";

/** Encodes a hand-written model. */
export function smallModel(
  nodes: readonly OnnxNode[],
  inputs: Signature,
  outputs: Signature,
  initializers: readonly OnnxInitializer[] = [],
): EncodedModel {
  const model = {
    name: "small",
    opsets: { "": 21, "com.microsoft": 1 },
    nodes,
    initializers,
    inputs: listValues(inputs),
    outputs: listValues(outputs),
  };
  return { name: model.name, bytes: encodeOnnx(model), inputs, outputs };
}

export const floatSpec = (...shape: number[]): TensorSpec => ({ shape, dtype: "float32" });
export const intSpec = (...shape: number[]): TensorSpec => ({ shape, dtype: "int32" });
export const boolSpec = (...shape: number[]): TensorSpec => ({ shape, dtype: "bool" });

function listValues(values: Signature): OnnxValue[] {
  return Object.entries(values).map(([name, spec]) => ({ name, spec }));
}
