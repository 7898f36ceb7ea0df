import type { Node, NodeOf } from "../graph/graph.ts";
import { commonLowerings, type Lowering, type Lowerings } from "./lowerings.ts";
import type { OnnxWriter } from "./writer.ts";

/** ONNX's numbers for element types. */
const [FLOAT, FLOAT16] = [1, 10] as const;

/**
 * 16-bit products on processors, which have none: 32-bit ones of rounded operands, their results rounded. Slower than
 * 32 bits, with the rounding and the overflow of 16. Values of nodes that are float16 are 32-bit ones in the model.
 */
export const simulatedHalf: Partial<Lowerings> = {
  cast: (node, writer, inputs) => {
    const [x] = node.inputs as [Node];
    if (node.attrs.to === "float16") writer.setName(node, rounded(writer, inputs[0] as string, node.shape));
    else if (x.dtype === "float16") writer.result(node, "Identity", inputs);
    else commonLowerings.cast(node, writer, inputs);
  },
  matmul: (node, writer, inputs) => roundedResult(node, writer, inputs, commonLowerings.matmul),
  conv: (node, writer, inputs) => roundedResult(node, writer, inputs, commonLowerings.conv),
};

function roundedResult<Op extends "matmul" | "conv">(
  node: NodeOf<Op>,
  writer: OnnxWriter,
  inputs: readonly string[],
  lower: Lowering<Op>,
): void {
  if (node.dtype !== "float16") {
    lower(node, writer, inputs);
    return;
  }
  const exact: NodeOf<Op> = { ...node, dtype: "float32" };
  lower(exact, writer, inputs);
  writer.setName(node, rounded(writer, writer.nameOf(exact), node.shape));
}

/** Through 16 bits and back. Moved to another shape on the way: ONNX Runtime takes two casts that meet away. */
function rounded(writer: OnnxWriter, x: string, shape: readonly number[]): string {
  const to = (type: number) => ({ attributes: { to: { int: type } } });
  const half = writer.step("Cast", [x], to(FLOAT16));
  const apart = writer.step("Reshape", [half, writer.ints([1, ...shape])]);
  return writer.step("Reshape", [writer.step("Cast", [apart], to(FLOAT)), writer.ints(shape)]);
}
