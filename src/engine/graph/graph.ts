import { assert } from "../../base/errors.ts";
import type { DType } from "../../base/tensors.ts";
import type { OpAttrs, OpName } from "./ops.ts";

/** 16-bit floats: they live inside programs only. */
export type HalfType = "float16" | "bfloat16";
/** Element types of nodes. Inputs, outputs, constants and fills have those of `DType`. */
export type NodeType = DType | HalfType;

/** What a node's result is. */
export interface NodeSpec {
  readonly shape: readonly number[];
  readonly dtype: NodeType;
}

/** The dtype of a node that is no 16-bit float. */
export function fullType(dtype: NodeType): DType {
  assert(dtype !== "float16" && dtype !== "bfloat16", "16-bit floats live between products only");
  return dtype;
}

/** One operation and its one result. Nodes are never changed; passes make new ones. */
export interface NodeOf<Op extends OpName> {
  /** Unique in its graph; grows in topological order. */
  readonly id: number;
  readonly op: Op;
  readonly inputs: readonly Node[];
  readonly attrs: OpAttrs[Op];
  readonly shape: readonly number[];
  readonly dtype: NodeType;
}

/** Any node; `node.op` tells which, and with it what `node.attrs` holds. */
export type Node = { [Op in OpName]: NodeOf<Op> }[OpName];

/** A recorded program: pure, with fixed shapes. */
export interface Graph {
  readonly name: string;
  /** Every node, inputs before users. */
  readonly nodes: readonly Node[];
  /** In the order of the signature. Unused ones are kept: they are part of the program's face. */
  readonly inputs: readonly NodeOf<"input">[];
  readonly outputs: readonly GraphOutput[];
}

/** A named result of a program. */
export interface GraphOutput {
  readonly name: string;
  readonly node: Node;
}

/** How often each node is used, by other nodes and as an output. */
export function countUses(graph: Graph): Map<Node, number> {
  const uses = new Map<Node, number>();
  const use = (node: Node) => uses.set(node, (uses.get(node) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(use);
  for (const output of graph.outputs) use(output.node);
  return uses;
}
