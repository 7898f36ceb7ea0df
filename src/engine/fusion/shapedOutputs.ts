import type { Node } from "../graph/graph.ts";
import type { KernelSpec } from "../native/kernelSpec.ts";
import type { Item, PlannedKernel } from "./kernelPlan.ts";

/**
 * Lets loops and chains write results in the shape that they are reshaped to, and drops the reshapes: to a kernel, a
 * result is memory. A result that other operators read as it is, or that is an output of the program, keeps its shape.
 */
export function shapeOutputs(items: readonly Item[], isOutput: (node: Node) => boolean): Item[] {
  const readers = new Map<Node, Node[]>();
  for (const item of items) {
    if ("kernel" in item) continue;
    for (const input of item.node.inputs) readers.set(input, [...(readers.get(input) ?? []), item.node]);
  }
  const shaped = new Map<Node, Node>();
  for (const item of items) {
    if ("node" in item || item.kernel.spec.kind === "product") continue;
    for (const output of item.kernel.outputs) {
      const [only, ...others] = readers.get(output) ?? [];
      if (only?.op === "reshape" && others.length === 0 && !isOutput(output)) shaped.set(output, only);
    }
  }
  const dropped = new Set(shaped.values());
  return items.flatMap((item): Item[] => {
    if ("node" in item) return dropped.has(item.node) ? [] : [item];
    return [{ kernel: reshaped(item.kernel, (node) => shaped.get(node) ?? node) }];
  });
}

function reshaped({ spec, inputs, outputs }: PlannedKernel, shapedTo: (node: Node) => Node): PlannedKernel {
  const written = outputs.map(shapedTo);
  return { spec: withShapes(spec, written), inputs: inputs.map(shapedTo), outputs: written };
}

function withShapes(spec: KernelSpec, outputs: readonly Node[]): KernelSpec {
  const shapeOf = (i: number) => (outputs[i] as Node).shape;
  if (spec.kind === "loop")
    return { ...spec, outputs: spec.outputs.map(({ step }, i) => ({ step, shape: shapeOf(i) })) };
  if (spec.kind === "chain") return { ...spec, outputs: spec.outputs.map((_, i) => shapeOf(i)) };
  return spec;
}
