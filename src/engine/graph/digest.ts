import { createHash } from "node:crypto";
import type { Graph, Node } from "./graph.ts";

/** SHA-256 of what a program computes: every operation, attribute and constant, but not the program's name. 64 hex digits. */
export function digestOfGraph({ nodes, outputs }: Graph): string {
  const hash = createHash("sha256");
  const places = new Map<Node, number>();
  for (const node of nodes) {
    const { op, inputs, attrs, shape, dtype } = node;
    const data = "data" in attrs ? attrs.data : undefined;
    const told = { op, inputs: inputs.map((input) => places.get(input)), shape, dtype, ...attrs, data: data?.length };
    hash.update(`${JSON.stringify(told)}\n`);
    if (data !== undefined) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    places.set(node, places.size);
  }
  for (const { name, node } of outputs) hash.update(`${name} ${places.get(node)}\n`);
  return hash.digest("hex");
}
