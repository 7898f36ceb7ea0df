import { sizeOf } from "../../../base/tensors.ts";
import { fullType, type Node, type NodeOf } from "../../graph/graph.ts";
import { allAxes } from "../../graph/shapes.ts";
import { commonLowerings, type Lowering, type Lowerings, partName } from "../lowerings.ts";
import type { OnnxWriter } from "../writer.ts";
import { lowerTrigonometry } from "./trigonometry.ts";

/** ONNX's numbers for element types. */
const [FLOAT, INT32, BOOL] = [1, 6, 9] as const;

/**
 * What ONNX Runtime's WebGPU provider (1.30) lacks, in operators that it has, and what it does too coarsely. These
 * would run on the processors: FusedMatMul, IsNaN, Mod, Or, Round, Sign, Xor; of whole numbers Abs, Neg and Slice; of
 * bools Concat, Equal, Pad, Slice and Transpose. SimplifiedLayerNormalization leaves its second output unwritten.
 */
export const webgpuLowerings: Partial<Lowerings> = {
  abs: (node, writer, [x = ""]) => {
    if (node.dtype !== "int32") writer.result(node, "Abs", [x]);
    else writer.result(node, "Max", [x, writer.step("Sub", [zero(writer), x])]);
  },
  neg: (node, writer, [x = ""]) => {
    if (node.dtype !== "int32") writer.result(node, "Neg", [x]);
    else writer.result(node, "Sub", [zero(writer), x]);
  },
  equal: (node, writer, inputs) => {
    const isBool = node.inputs[0]?.dtype === "bool";
    const operands = isBool ? inputs.map((input) => writer.step("Cast", [input], castTo(INT32))) : inputs;
    writer.result(node, "Equal", operands);
  },
  concat: (node, writer, inputs) => asNumbers(node, writer, inputs, commonLowerings.concat),
  pad: (node, writer, inputs) => asNumbers(node, writer, inputs, commonLowerings.pad),
  transpose: (node, writer, inputs) => asNumbers(node, writer, inputs, commonLowerings.transpose),
  slice: lowerSlice,
  sin: (node, writer, [x = ""]) => lowerTrigonometry(node, writer, x, "sine"),
  cos: (node, writer, [x = ""]) => lowerTrigonometry(node, writer, x, "cosine"),
  tan: (node, writer, [x = ""]) => lowerTrigonometry(node, writer, x, "tangent"),
  isNan: (node, writer, [x = ""]) => writer.result(node, "Not", [writer.step("Equal", [x, x])]),
  or: (node, writer, inputs) => {
    const neither = writer.step(
      "And",
      inputs.map((input) => writer.step("Not", [input])),
    );
    writer.result(node, "Not", [neither]);
  },
  xor: (node, writer, inputs) => {
    const numbers = inputs.map((input) => writer.step("Cast", [input], castTo(INT32)));
    writer.result(node, "Not", [writer.step("Equal", numbers)]);
  },
  sign: (node, writer, [x = ""]) => {
    const origin = writer.uniform(0, { shape: [], dtype: fullType(node.dtype) });
    const type = node.dtype === "int32" ? INT32 : FLOAT;
    const [above, below] = ["Greater", "Less"].map((op) =>
      writer.step("Cast", [writer.step(op, [x, origin])], castTo(type)),
    ) as [string, string];
    writer.result(node, "Sub", [above, below]);
  },
  round: lowerRound,
  mod: lowerMod,
  matmul: lowerProduct,
  rmsNorm: lowerRmsNorm,
};

function zero(writer: OnnxWriter): string {
  return writer.uniform(0, { shape: [], dtype: "int32" });
}

/** Moves bools as whole numbers. */
function asNumbers<Op extends "concat" | "pad" | "transpose">(
  node: NodeOf<Op>,
  writer: OnnxWriter,
  inputs: readonly string[],
  lower: Lowering<Op>,
): void {
  if (node.dtype !== "bool") {
    lower(node, writer, inputs);
    return;
  }
  const numbers: NodeOf<Op> = { ...node, dtype: "int32" };
  lower(
    numbers,
    writer,
    inputs.map((input) => writer.step("Cast", [input], castTo(INT32))),
  );
  writer.result(node, "Cast", [writer.nameOf(numbers)], castTo(BOOL));
}

/** Whole numbers and bools are gathered, axis by axis. */
function lowerSlice(node: NodeOf<"slice">, writer: OnnxWriter, inputs: readonly string[]): void {
  const [x] = node.inputs as [Node];
  const { begin, size, step } = node.attrs;
  const axes = allAxes(x.shape.length).filter((axis) => size[axis] !== x.shape[axis] || step[axis] !== 1);
  const last = axes.at(-1);
  if ((node.dtype !== "int32" && node.dtype !== "bool") || last === undefined) {
    commonLowerings.slice(node, writer, inputs);
    return;
  }
  let name = inputs[0] as string;
  for (const axis of axes) {
    const places = Array.from(
      { length: size[axis] as number },
      (_, i) => (begin[axis] as number) + i * (step[axis] as number),
    );
    const [operands, options] = [[name, writer.ints(places)], { attributes: { axis: { int: axis } } }];
    if (axis === last) writer.result(node, "Gather", operands, options);
    else name = writer.step("Gather", operands, options);
  }
}

function castTo(type: number) {
  return { attributes: { to: { int: type } } };
}

/** To the nearest whole number, halves to the even one. */
function lowerRound(node: NodeOf<"round">, writer: OnnxWriter, [x = ""]: readonly string[]): void {
  const number = (value: number) => writer.uniform(value, { shape: [], dtype: "float32" });
  const floor = writer.step("Floor", [x]);
  const rest = writer.step("Sub", [x, floor]);
  const half = writer.step("Floor", [writer.step("Mul", [floor, number(0.5)])]);
  const odd = writer.step("Sub", [floor, writer.step("Add", [half, half])]);
  const tie = writer.step("Equal", [rest, number(0.5)]);
  const above = writer.step("Cast", [writer.step("Greater", [rest, number(0.5)])], castTo(FLOAT));
  const up = writer.step("Where", [tie, odd, above]);
  writer.result(node, "Add", [floor, up]);
}

/** The rest of a division of whole numbers, with the divisor's sign. */
function lowerMod(node: NodeOf<"mod">, writer: OnnxWriter, [a = "", b = ""]: readonly string[]): void {
  const rest = writer.step("Sub", [a, writer.step("Mul", [writer.step("Div", [a, b]), b])]);
  const otherSign = writer.step("Less", [writer.step("Mul", [rest, b]), zero(writer)]);
  writer.result(node, "Add", [rest, writer.step("Where", [otherSign, b, zero(writer)])]);
}

/** Matrices: Gemm. Batches: transposed and scaled apart, the scale where there is least to multiply. */
function lowerProduct(node: NodeOf<"matmul">, writer: OnnxWriter, [a = "", b = ""]: readonly string[]): void {
  const { transA, transB, alpha } = node.attrs;
  const [left, right] = node.inputs as [Node, Node];
  const plain = !transA && !transB && alpha === 1;
  if (!plain && left.shape.length === 2 && right.shape.length === 2) {
    const attributes = { transA: { int: Number(transA) }, transB: { int: Number(transB) }, alpha: { float: alpha } };
    writer.result(node, "Gemm", [a, b], { attributes });
    return;
  }
  const operands = [transA ? swapped(writer, left, a) : a, transB ? swapped(writer, right, b) : b];
  const sizes = [left, right, node].map(({ shape }) => sizeOf(shape));
  const least = alpha === 1 ? undefined : sizes.indexOf(Math.min(...sizes));
  const scaled = (name: string) => [name, writer.uniform(alpha, { shape: [], dtype: "float32" })];
  if (least === 2) {
    writer.result(node, "Mul", scaled(writer.step("MatMul", operands)));
    return;
  }
  const factors = operands.map((operand, i) => (i === least ? writer.step("Mul", scaled(operand)) : operand));
  writer.result(node, "MatMul", factors);
}

function swapped(writer: OnnxWriter, node: Node, name: string): string {
  const axes = allAxes(node.shape.length);
  const perm = [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
  return writer.step("Transpose", [name], { attributes: { perm: { ints: perm } } });
}

/** In plain operations: the provider's own leaves 1 / root mean square unwritten. */
function lowerRmsNorm(node: NodeOf<"rmsNorm">, writer: OnnxWriter, [x = "", gain = ""]: readonly string[]): void {
  const epsilon = writer.uniform(node.attrs.epsilon, { shape: [], dtype: "float32" });
  const squares = writer.step("Mul", [x, x]);
  const mean = writer.step("ReduceMean", [squares, writer.ints([node.shape.length - 1])], {
    attributes: { keepdims: { int: 1 } },
  });
  const root = writer.step("Sqrt", [writer.step("Add", [mean, epsilon])]);
  const name = writer.claim(node);
  const inverse = partName(name, 1);
  writer.call("Reciprocal", [root], [inverse]);
  writer.call("Mul", [writer.step("Mul", [x, inverse]), gain], [name]);
}
