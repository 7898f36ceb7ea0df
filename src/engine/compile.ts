import { sizeOf, type TensorSpec } from "../base/tensors.ts";
import type { Signature, TensorFn } from "./engine.ts";
import { digestOfGraph } from "./graph/digest.ts";
import { fullType, type Graph, type Node } from "./graph/graph.ts";
import { sideAt } from "./graph/shapes.ts";
import { optimize } from "./passes/index.ts";
import type { Precision } from "./precision.ts";
import { trace } from "./trace/trace.ts";

/** What a program is made of. */
export interface ProgramSource {
  readonly name: string;
  readonly fn: TensorFn;
  readonly signature: Signature;
}

/** A function as a program: pure, with fixed shapes, not tied to any runtime. */
export interface TracedProgram {
  readonly name: string;
  readonly graph: Graph;
  readonly inputs: Signature;
  readonly outputs: Signature;
  /** Floating-point operations of one run, counted from its matrix products and convolutions. */
  readonly flops: number;
  /** Digest of what was recorded, before any pass: it changes with the code of the function alone. */
  readonly digest: string;
}

/** Records `fn` for one signature and runs every pass over the program. @throws Error when it cannot be recorded. */
export function traceProgram(
  name: string,
  fn: TensorFn,
  signature: Signature,
  precision: Precision = "f32",
): TracedProgram {
  const recorded = trace(name, fn, signature);
  const graph = optimize(recorded, precision);
  return {
    name,
    graph,
    inputs: Object.fromEntries(graph.inputs.map((input) => [input.attrs.name, specOf(input)])),
    outputs: Object.fromEntries(graph.outputs.map((output) => [output.name, specOf(output.node)])),
    flops: graph.nodes.reduce((sum, node) => sum + flopsOf(node), 0),
    digest: digestOfGraph(recorded),
  };
}

function specOf({ shape, dtype }: Node): TensorSpec {
  return { shape, dtype: fullType(dtype) };
}

/** Two for each multiply-add of a product or convolution; 0 for everything else. */
function flopsOf(node: Node): number {
  const [a, b] = node.inputs;
  if (a === undefined || b === undefined) return 0;
  if (node.op === "matmul") return 2 * sizeOf(node.shape) * sideAt(a.shape, node.attrs.transA ? -2 : -1);
  if (node.op === "conv") return 2 * sizeOf(node.shape) * sizeOf(b.shape.slice(1));
  return 0;
}
