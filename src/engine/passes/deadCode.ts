import type { Graph, Node } from "../graph/graph.ts";

/** Removes nodes that no output needs. Inputs stay. */
export function deadCode(graph: Graph): Graph {
  const needed = new Set<Node>(graph.outputs.map(({ node }) => node));
  for (const node of graph.nodes.toReversed()) {
    if (needed.has(node)) for (const input of node.inputs) needed.add(input);
  }
  return { ...graph, nodes: graph.nodes.filter((node) => needed.has(node) || node.op === "input") };
}
