import { assert } from "../../base/errors.ts";
import type { Graph, Node } from "./graph.ts";
import { inferSpec } from "./infer.ts";
import { sameShape } from "./shapes.ts";

/** Checks that a graph is well formed. @throws naming the node that is not. */
export function verify(graph: Graph): void {
  const seen = new Set<Node>();
  let lastId = -1;
  for (const node of graph.nodes) {
    const where = `${graph.name}: node ${node.id} (${node.op})`;
    assert(node.id > lastId, `${where} is numbered after ${lastId}`);
    lastId = node.id;
    for (const input of node.inputs) assert(seen.has(input), `${where} uses node ${input.id} before it stands`);
    const { shape, dtype } = inferSpec(node.op, node.inputs, node.attrs);
    assert(sameShape(shape, node.shape), `${where} has shape [${node.shape}], its inputs give [${shape}]`);
    assert(dtype === node.dtype, `${where} has dtype ${node.dtype}, its inputs give ${dtype}`);
    if (node.op === "part") {
      const parts = node.inputs[0]?.op === "layerNorm" ? 3 : node.inputs[0]?.op === "rmsNorm" ? 2 : 0;
      assert(node.attrs.index > 0 && node.attrs.index < parts, `${where} is no part of its input`);
    }
    seen.add(node);
  }
  for (const input of graph.inputs) assert(seen.has(input), `${graph.name}: input ${input.attrs.name} is no node`);
  const names = [...graph.inputs.map((input) => input.attrs.name), ...graph.outputs.map((output) => output.name)];
  assert(new Set(names).size === names.length, `${graph.name}: input and output names repeat`);
  for (const { name, node } of graph.outputs) assert(seen.has(node), `${graph.name}: output ${name} is no node`);
}
