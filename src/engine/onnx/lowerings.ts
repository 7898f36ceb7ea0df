import { assert } from "../../base/errors.ts";
import { sizeOf } from "../../base/tensors.ts";
import { fullType, type Node, type NodeOf } from "../graph/graph.ts";
import type { BinaryOp, OpName, ReduceOp, UnaryOp } from "../graph/ops.ts";
import { sideAt } from "../graph/shapes.ts";
import { CONTRIBUTED, type OnnxWriter } from "./writer.ts";

type Sides = readonly number[];

/** Writes one kind of node as ONNX operators. */
export type Lowering<Op extends OpName> = (node: NodeOf<Op>, writer: OnnxWriter, inputs: readonly string[]) => void;

type SameName = Exclude<UnaryOp, "silu" | "gelu"> | BinaryOp;

const DIRECT: Readonly<Record<SameName, string>> = {
  abs: "Abs",
  acos: "Acos",
  acosh: "Acosh",
  add: "Add",
  and: "And",
  asin: "Asin",
  asinh: "Asinh",
  atan: "Atan",
  atanh: "Atanh",
  ceil: "Ceil",
  cos: "Cos",
  cosh: "Cosh",
  div: "Div",
  equal: "Equal",
  erf: "Erf",
  exp: "Exp",
  floor: "Floor",
  greater: "Greater",
  greaterEqual: "GreaterOrEqual",
  isNan: "IsNaN",
  less: "Less",
  lessEqual: "LessOrEqual",
  log: "Log",
  max: "Max",
  min: "Min",
  mod: "Mod",
  mul: "Mul",
  neg: "Neg",
  not: "Not",
  or: "Or",
  pow: "Pow",
  reciprocal: "Reciprocal",
  relu: "Relu",
  round: "Round",
  sigmoid: "Sigmoid",
  sign: "Sign",
  sin: "Sin",
  sinh: "Sinh",
  softplus: "Softplus",
  sqrt: "Sqrt",
  sub: "Sub",
  tan: "Tan",
  tanh: "Tanh",
  xor: "Xor",
};

const REDUCTIONS: Readonly<Record<ReduceOp, string>> = {
  sum: "ReduceSum",
  mean: "ReduceMean",
  prod: "ReduceProd",
  reduceMax: "ReduceMax",
  reduceMin: "ReduceMin",
  sumSquares: "ReduceSumSquare",
};

/** ONNX's numbers for element types. */
const TYPES = { float32: 1, int32: 6, bool: 9, float16: 10, bfloat16: 16 } as const;

/** Uniform constants up to this size are stored whole, larger ones are expanded when the model is loaded. */
const MOST_STORED = 64;

const direct =
  (op: string): Lowering<OpName> =>
  (node, writer, inputs) =>
    writer.result(node, op, inputs);

const alongAxis =
  (op: string): Lowering<"softmax" | "concat" | "gather"> =>
  (node, writer, inputs) =>
    writer.result(node, op, inputs, { attributes: { axis: { int: node.attrs.axis } } });

const reduction =
  (op: string): Lowering<ReduceOp> =>
  (node, writer, inputs) =>
    writer.result(node, op, [...inputs, writer.ints(node.attrs.axes)], { attributes: { keepdims: { int: 1 } } });

const indexOf =
  (op: string): Lowering<"argMax" | "argMin"> =>
  (node, writer, inputs) => {
    const attributes = { axis: { int: node.attrs.axis }, keepdims: { int: 1 } };
    const index = writer.step(op, inputs, { attributes });
    writer.result(node, "Cast", [index], { attributes: { to: { int: TYPES.int32 } } });
  };

function each<Op extends OpName, How>(names: Readonly<Record<Op, string>>, make: (op: string) => How): Record<Op, How> {
  return Object.fromEntries(Object.entries<string>(names).map(([op, name]) => [op, make(name)])) as Record<Op, How>;
}

/** How each kind of node is written. */
export type Lowerings = { readonly [Op in OpName]: Lowering<Op> };

/** For the processors, and for CUDA. */
export const commonLowerings: Lowerings = {
  ...each(DIRECT, direct),
  ...each(REDUCTIONS, reduction),
  silu: (node, writer, inputs) =>
    writer.result(node, "QuickGelu", inputs, { domain: CONTRIBUTED, attributes: { alpha: { float: 1 } } }),
  gelu: (node, writer, inputs) =>
    writer.result(node, "Gelu", inputs, { attributes: { approximate: { string: "tanh" } } }),
  input: (node, writer) => writer.setName(node, node.attrs.name),
  constant: (node, writer) => {
    const { shape, dtype, data } = node.attrs;
    writer.initializer(writer.claim(node), { shape, dtype, data });
  },
  fill: (node, writer) => {
    const { value, shape, dtype } = node.attrs;
    if (sizeOf(shape) <= MOST_STORED) return writer.setName(node, writer.uniform(value, { shape, dtype }));
    writer.result(node, "Expand", [writer.uniform(value, { shape: [], dtype }), writer.ints(shape)]);
  },
  where: direct("Where"),
  cast: (node, writer, inputs) =>
    writer.result(node, "Cast", inputs, { attributes: { to: { int: TYPES[node.attrs.to] } } }),
  reshape: (node, writer, inputs) => writer.result(node, "Reshape", [...inputs, writer.ints(node.attrs.shape)]),
  transpose: (node, writer, inputs) =>
    writer.result(node, "Transpose", inputs, { attributes: { perm: { ints: node.attrs.perm } } }),
  broadcast: (node, writer, inputs) => writer.result(node, "Expand", [...inputs, writer.ints(node.attrs.shape)]),
  slice: (node, writer, inputs) => {
    const { begin, size, step } = node.attrs;
    const whole = only(node).shape;
    const axes = whole.map((_, axis) => axis).filter((axis) => whole[axis] !== size[axis] || step[axis] !== 1);
    const ends = axes.map((axis) => {
      const end = sideAt(begin, axis) + sideAt(size, axis) * sideAt(step, axis);
      return end < 0 ? -sideAt(whole, axis) - 1 : end;
    });
    const pick = (list: readonly number[]) => writer.ints(axes.map((axis) => sideAt(list, axis)));
    writer.result(node, "Slice", [...inputs, pick(begin), writer.ints(ends), writer.ints(axes), pick(step)]);
  },
  pad: (node, writer, inputs) => {
    const { before, after, value } = node.attrs;
    const fill = writer.uniform(value, { shape: [], dtype: fullType(node.dtype) });
    writer.result(node, "Pad", [...inputs, writer.ints([...before, ...after]), fill]);
  },
  concat: alongAxis("Concat"),
  gather: alongAxis("Gather"),
  // Not ScatterND: it adds in parallel and loses updates where rows repeat.
  scatterAdd: (node, writer, [data = "", indices = "", updates = ""]) => {
    const [, rows, values] = node.inputs.map(({ shape }) => shape) as [Sides, Sides, Sides];
    const column = writer.step("Reshape", [indices, writer.ints([sizeOf(rows), 1])]);
    const places = writer.step("Expand", [column, writer.ints(values)]);
    const attributes = { axis: { int: 0 }, reduction: { string: "add" } };
    writer.result(node, "ScatterElements", [data, places, updates], { attributes });
  },
  cumsum: (node, writer, inputs) => {
    const { axis, exclusive, reverse } = node.attrs;
    const attributes = { exclusive: { int: Number(exclusive) }, reverse: { int: Number(reverse) } };
    writer.result(node, "CumSum", [...inputs, writer.ints(axis)], { attributes });
  },
  argMax: indexOf("ArgMax"),
  argMin: indexOf("ArgMin"),
  softmax: alongAxis("Softmax"),
  matmul: (node, writer, inputs) => {
    const { transA, transB, alpha } = node.attrs;
    if (!transA && !transB && alpha === 1) return writer.result(node, "MatMul", inputs);
    const attributes = { transA: { int: Number(transA) }, transB: { int: Number(transB) }, alpha: { float: alpha } };
    writer.result(node, "FusedMatMul", inputs, { domain: CONTRIBUTED, attributes });
  },
  conv: (node, writer, inputs) => {
    const { strides, before, after } = node.attrs;
    const attributes = { strides: { ints: strides }, pads: { ints: [...before, ...after] } };
    writer.result(node, "Conv", inputs, { attributes });
  },
  layerNorm: (node, writer, [x = "", gain, shift]) => {
    const scale = gain ?? writer.uniform(1, { shape: node.shape.slice(-1), dtype: "float32" });
    const inputs = shift === undefined ? [x, scale] : [x, scale, shift];
    const attributes = { axis: { int: -1 }, epsilon: { float: node.attrs.epsilon } };
    writer.call("LayerNormalization", inputs, withParts(node, writer, 2), { attributes });
  },
  rmsNorm: (node, writer, inputs) => {
    const attributes = { axis: { int: -1 }, epsilon: { float: node.attrs.epsilon } };
    writer.call("SimplifiedLayerNormalization", inputs, withParts(node, writer, 1), { attributes });
  },
  rotary: (node, writer, [x = "", cos = "", sin = ""]) => {
    const [tokens, heads, width] = [0, 1, 2].map((axis) => sideAt(node.shape, axis)) as [number, number, number];
    const rows = writer.step("Reshape", [x, writer.ints([1, tokens, heads * width])]);
    const attributes = { num_heads: { int: heads }, rotary_embedding_dim: { int: width } };
    const options = { domain: CONTRIBUTED, attributes };
    const turned = writer.step("RotaryEmbedding", [rows, writer.ints([0]), cos, sin], options);
    writer.result(node, "Reshape", [turned, writer.ints(node.shape)]);
  },
  part: (node, writer) => {
    const part = partName(writer.nameOf(only(node)), node.attrs.index);
    if (writer.claim(node) !== part) writer.result(node, "Identity", [part]);
  },
};

/** Writes one node. Its inputs have been written. */
export function lowerNode<Op extends OpName>(node: NodeOf<Op>, writer: OnnxWriter, lowerings: Lowerings): void {
  const lowering: Lowering<Op> = lowerings[node.op];
  lowering(
    node,
    writer,
    node.inputs.map((input) => writer.nameOf(input)),
  );
}

/** Names of a node's result and of its further parts. */
function withParts(node: NodeOf<OpName>, writer: OnnxWriter, numParts: number): string[] {
  const name = writer.claim(node);
  return [name, ...Array.from({ length: numParts }, (_, i) => partName(name, i + 1))];
}

/** The name of a node's further result. */
export function partName(name: string, index: number): string {
  return `#${name}/${index}`;
}

function only(node: NodeOf<OpName>): Node {
  const [input] = node.inputs;
  assert(input !== undefined, `${node.op} has an input`);
  return input;
}
