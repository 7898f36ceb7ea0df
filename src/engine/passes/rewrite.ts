import { assert } from "../../base/errors.ts";
import { Builder } from "../graph/builder.ts";
import type { Graph, Node } from "../graph/graph.ts";

/**
 * What a node becomes: another node, made with `builder` or found among the inputs; undefined leaves it as it is.
 * The node's inputs have been rewritten already; `original` is the node as it stood before the pass.
 */
export type Rule = (node: Node, builder: Builder, original: Node) => Node | undefined;

/** Applies a rule to every node, inputs first. One sweep; rules see what earlier nodes have become. */
export function rewrite(graph: Graph, rule: Rule): Graph {
  const builder = new Builder();
  const became = new Map<Node, Node>();
  const now = (node: Node): Node => {
    const found = became.get(node);
    assert(found !== undefined, `node ${node.id} is used before it stands`);
    return found;
  };
  for (const node of graph.nodes) {
    const moved: Node = { ...node, inputs: node.inputs.map(now) };
    became.set(node, rule(moved, builder, node) ?? builder.adopt(moved));
  }
  const outputs = graph.outputs.map(({ name, node }) => ({ name, node: now(node) }));
  return builder.graph(graph.name, outputs);
}

/** A rule that tries several, first match wins. */
export function firstOf(...rules: readonly Rule[]): Rule {
  return (node, builder, original) => {
    for (const rule of rules) {
      const found = rule(node, builder, original);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}
