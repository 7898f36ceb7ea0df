import { fullType, type Graph, type Node, type NodeOf } from "../graph/graph.ts";
import type { OpName } from "../graph/ops.ts";
import { commonLowerings, type Lowerings, lowerNode } from "./lowerings.ts";
import type { OnnxModel } from "./model.ts";
import type { ProviderName } from "./provider.ts";
import { webgpuLowerings } from "./webgpu/lowerings.ts";
import { OnnxWriter } from "./writer.ts";

/** Results of these have names of their own already, or are shared. */
const NAMED_ELSEWHERE: ReadonlySet<OpName> = new Set(["input", "constant", "fill"]);

export interface LowerOptions {
  readonly provider?: ProviderName;
  readonly native?: boolean;
}

const lowerings: Readonly<Record<ProviderName, Lowerings>> = {
  cpu: commonLowerings,
  cuda: commonLowerings,
  webgpu: { ...commonLowerings, ...webgpuLowerings },
};

/**
 * Writes a graph as an ONNX model for a provider. Each output is the direct result of its last operator, so that ONNX
 * Runtime can write it where the caller wants it. With `native`, products are kernels of our own where those are
 * faster; only processors can run them.
 */
export function lowerToOnnx(graph: Graph, { provider = "cpu", native = false }: LowerOptions = {}): OnnxModel {
  const writer = new OnnxWriter(native);
  const direct = new Map<Node, string>();
  for (const { name, node } of graph.outputs) {
    if (!direct.has(node) && !NAMED_ELSEWHERE.has(node.op)) direct.set(node, name);
  }
  for (const [node, name] of direct) writer.setName(node, name);
  for (const node of graph.nodes) lowerNode<OpName>(node, writer, lowerings[provider]);
  for (const { name, node } of graph.outputs) {
    if (direct.get(node) !== name) writer.call("Identity", [writer.nameOf(node)], [name]);
  }
  const outputNames = new Set(graph.outputs.map(({ name }) => name));
  return {
    name: graph.name,
    opsets: writer.opsets,
    nodes: writer.nodes,
    initializers: writer.initializers,
    inputs: graph.inputs.map((input: NodeOf<"input">) => ({ name: input.attrs.name, spec: specOf(input) })),
    outputs: graph.outputs.map(({ name, node }) => ({ name, spec: specOf(node) })),
    values: writer.values.filter(({ name }) => !outputNames.has(name)),
    kernels: writer.kernels,
  };
}

function specOf({ shape, dtype }: Node) {
  return { shape, dtype: fullType(dtype) };
}
