import { type Item, type PlannedKernel, planKernels } from "../fusion/kernelPlan.ts";
import type { LoopLimits } from "../fusion/loopOf.ts";
import { shapeOutputs } from "../fusion/shapedOutputs.ts";
import { splitSums } from "../fusion/splitSums.ts";
import { fullType, type Graph, type Node, type NodeOf } from "../graph/graph.ts";
import type { OpName } from "../graph/ops.ts";
import { nodeNames } from "../graph/text.ts";
import type { VectorIsa } from "../native/asm/vectorIsa.ts";
import { commonLowerings, type Lowerings, lowerNode } from "./lowerings.ts";
import type { OnnxModel } from "./model.ts";
import type { ProviderName } from "./provider.ts";
import { simulatedHalf } from "./simulatedHalf.ts";
import { webgpuLowerings } from "./webgpu/lowerings.ts";
import { OnnxWriter } from "./writer.ts";

/** Results of these have names of their own already, or are shared. */
const NAMED_ELSEWHERE: ReadonlySet<OpName> = new Set(["input", "constant", "fill"]);

export interface LowerOptions {
  readonly provider?: ProviderName;
  /** The instructions of native kernels, where they may be used. */
  readonly native?: VectorIsa | undefined;
  /** From which size on loops are kernels of their own. */
  readonly limits?: LoopLimits;
}

const lowerings: Readonly<Record<ProviderName, Lowerings>> = {
  cpu: { ...commonLowerings, ...simulatedHalf },
  cuda: commonLowerings,
  webgpu: { ...commonLowerings, ...webgpuLowerings },
};

/**
 * Writes a graph as an ONNX model for a provider. Each output is the direct result of its last operator, so that ONNX
 * Runtime can write it where the caller wants it. With `native`, kernels of our own do what they do
 * faster; only processors can run them.
 */
export function lowerToOnnx(recorded: Graph, { provider = "cpu", native, limits }: LowerOptions = {}): OnnxModel {
  const graph = native === undefined ? recorded : splitSums(recorded);
  const writer = new OnnxWriter();
  const direct = new Map<Node, string>();
  for (const { name, node } of graph.outputs) {
    if (!direct.has(node) && !NAMED_ELSEWHERE.has(node.op)) direct.set(node, name);
  }
  for (const [node, name] of direct) writer.setName(node, name);
  const outputs = new Set(graph.outputs.map(({ node }) => node));
  const items: readonly Item[] =
    native === undefined
      ? graph.nodes.map((node) => ({ node }))
      : shapeOutputs(planKernels(graph, native, limits), (node) => outputs.has(node));
  const labels = provider === "cpu" ? new Map<Node, string>() : nodeNames(graph);
  for (const item of items) {
    if ("node" in item) {
      writer.setLabel(labels.get(item.node));
      lowerNode<OpName>(item.node, writer, lowerings[provider]);
    } else {
      lowerKernel(item.kernel, writer);
    }
  }
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

function lowerKernel({ spec, inputs, outputs }: PlannedKernel, writer: OnnxWriter): void {
  writer.kernel(
    outputs,
    spec,
    inputs.map((input) => writer.nameOf(input)),
  );
}

function specOf({ shape, dtype }: Node) {
  return { shape, dtype: fullType(dtype) };
}
