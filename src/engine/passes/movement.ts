import type { Builder } from "../graph/builder.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { sideAt } from "../graph/shapes.ts";
import { firstOf, rewrite } from "./rewrite.ts";

/** Joins chains of reshapes and of transposes; a transpose that only moves sides of 1 is a reshape. */
export function movement(graph: Graph): Graph {
  return rewrite(graph, firstOf(reshapes, transposes, slices));
}

function reshapes(node: Node, b: Builder): Node | undefined {
  if (node.op !== "reshape") return undefined;
  return b.reshape(source(node, "reshape"), node.shape);
}

function transposes(node: Node, b: Builder): Node | undefined {
  if (node.op !== "transpose") return undefined;
  const [x] = node.inputs;
  if (x === undefined) return undefined;
  const inner = x.op === "transpose" ? x.attrs.perm : undefined;
  const perm = inner === undefined ? node.attrs.perm : node.attrs.perm.map((axis) => sideAt(inner, axis));
  const from = source(node, "transpose");
  const moved = perm.filter((axis) => from.shape[axis] !== 1);
  const inOrder = moved.every((axis, i) => i === 0 || axis > sideAt(moved, i - 1));
  return inOrder ? b.reshape(source(from, "reshape"), node.shape) : b.transpose(from, perm);
}

/** A slice of a slice with steps of 1 is one slice. */
function slices(node: Node, b: Builder): Node | undefined {
  const [x] = node.inputs;
  if (node.op !== "slice" || x?.op !== "slice") return undefined;
  const [from] = x.inputs;
  if (from === undefined || ![...node.attrs.step, ...x.attrs.step].every((by) => by === 1)) return undefined;
  const outer = x.attrs.begin;
  const begin = node.attrs.begin.map((first, axis) => first + sideAt(outer, axis));
  return b.slice(from, begin, node.attrs.size);
}

/** What a node's chain of `op` started from. */
function source(node: Node, op: "reshape" | "transpose"): Node {
  const [x] = node.inputs;
  if (node.op !== op || x === undefined) return node;
  const [further] = x.inputs;
  return x.op === op && further !== undefined ? further : x;
}
