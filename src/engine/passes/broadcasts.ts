import type { Builder } from "../graph/builder.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { isElementwise, type OpName } from "../graph/ops.ts";
import { rewrite } from "./rewrite.ts";

/** Lets elementwise operations broadcast by themselves: repeats that only feed one are never made. */
export function broadcasts(graph: Graph): Graph {
  return rewrite(graph, (node, b) => (isElementwise(node.op) ? narrow(node, b) : undefined));
}

/** The operation on its inputs before they were repeated; the result is repeated instead, if it still must be. */
function narrow(node: Node, b: Builder): Node | undefined {
  if (!node.inputs.some(isRepeated)) return undefined;
  const inputs = node.inputs.map((input) => before(input, b));
  const { op, attrs } = node;
  return b.broadcast(b.make<OpName>(op, inputs, attrs), node.shape);
}

function isRepeated(node: Node): boolean {
  return node.op === "broadcast" || (node.op === "fill" && node.shape.length > 0);
}

function before(input: Node, b: Builder): Node {
  if (input.op === "fill") return b.scalar(input.attrs.value, input.dtype);
  const [source] = input.inputs;
  if (input.op !== "broadcast" || source === undefined) return input;
  return source;
}
