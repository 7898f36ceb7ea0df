import type { Graph, Node } from "../graph/graph.ts";
import { rewrite } from "./rewrite.ts";

/** Constants longer than this are told apart by identity, not by content. */
const MOST_COMPARED = 4096;

/** Computes the same thing once. */
export function commonSubexpressions(graph: Graph): Graph {
  const known = new Map<string, Node>();
  const buffers = new Map<object, number>();
  return rewrite(graph, (node, b) => {
    const key = keyOf(node, buffers);
    const found = known.get(key);
    if (found !== undefined) return found;
    const kept = b.append(node);
    known.set(key, kept);
    return kept;
  });
}

function keyOf(node: Node, buffers: Map<object, number>): string {
  const inputs = node.inputs.map((input) => input.id).join();
  if (node.op !== "constant") return `${node.op}(${inputs})${JSON.stringify(node.attrs)}`;
  const { data } = node.attrs;
  if (data.length <= MOST_COMPARED) return `constant ${node.dtype} [${node.shape}] ${data.join()}`;
  const id = buffers.get(data) ?? buffers.size;
  buffers.set(data, id);
  return `constant ${node.dtype} [${node.shape}] #${id}`;
}
