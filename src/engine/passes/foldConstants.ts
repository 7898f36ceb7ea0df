import { allocate } from "../../base/tensors.ts";
import type { Builder } from "../graph/builder.ts";
import { fullType, type Graph, type Node, type NodeOf, type NodeType } from "../graph/graph.ts";
import { isElementwise, type OpName } from "../graph/ops.ts";
import { rewrite } from "./rewrite.ts";

/** Computes what is known: uniform values through every operation that keeps them uniform, and views of constants. */
export function foldConstants(graph: Graph): Graph {
  return rewrite(graph, (node, b) => foldUniform(node, b) ?? foldView(node, b));
}

type Fill = NodeOf<"fill">;

const UNIFORM: Partial<Record<OpName, (...values: number[]) => number>> = {
  abs: Math.abs,
  add: (a = 0, b = 0) => a + b,
  div: (a = 0, b = 0) => a / b,
  equal: (a, b) => Number(a === b),
  exp: Math.exp,
  greater: (a = 0, b = 0) => Number(a > b),
  less: (a = 0, b = 0) => Number(a < b),
  log: Math.log,
  max: Math.max,
  min: Math.min,
  mul: (a = 0, b = 0) => a * b,
  neg: (a = 0) => -a,
  not: (a) => Number(a === 0),
  pow: Math.pow,
  reciprocal: (a = 0) => 1 / a,
  sqrt: Math.sqrt,
  sub: (a = 0, b = 0) => a - b,
  where: (condition, yes = 0, no = 0) => (condition === 0 ? no : yes),
};

/** Operations that only move, repeat or choose elements. */
const MOVES: ReadonlySet<OpName> = new Set(["reshape", "transpose", "broadcast", "slice", "concat", "gather"]);

function foldUniform(node: Node, b: Builder): Node | undefined {
  const fills = node.inputs.filter((input): input is Fill => input.op === "fill");
  const [first] = fills;
  if (first === undefined) return undefined;
  const { shape, dtype } = node;
  if (node.op === "gather" && node.inputs[0] === first) return b.fill(first.attrs.value, shape, dtype);
  if (fills.length < node.inputs.length) return undefined;
  const values = fills.map((fill) => fill.attrs.value);
  if (node.op === "cast") return b.fill(castValue(first.attrs.value, node.attrs.to), shape, dtype);
  if (MOVES.has(node.op) && values.every((value) => value === values[0]))
    return b.fill(first.attrs.value, shape, dtype);
  if (node.op === "mean" || node.op === "reduceMax" || node.op === "reduceMin") return b.fill(first.attrs.value, shape);
  const compute = UNIFORM[node.op];
  const exact = dtype === "float32" || dtype === "bool" || (isElementwise(node.op) && node.op !== "div");
  return compute === undefined || !exact ? undefined : b.fill(castValue(compute(...values), dtype), shape, dtype);
}

function foldView(node: Node, b: Builder): Node | undefined {
  const [x] = node.inputs;
  if (x?.op !== "constant") return undefined;
  const { data } = x.attrs;
  if (node.op === "reshape") return b.make("constant", [], { ...x.attrs, shape: node.shape });
  if (node.op !== "cast") return undefined;
  const { to } = node.attrs;
  const cast = allocate({ shape: node.shape, dtype: fullType(to) });
  data.forEach((value, i) => {
    cast.data[i] = castValue(value, to);
  });
  return b.make("constant", [], cast);
}

function castValue(value: number, to: NodeType): number {
  if (to === "bool") return value === 0 ? 0 : 1;
  return to === "int32" ? Math.trunc(value) : Math.fround(value);
}
