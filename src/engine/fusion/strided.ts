import { sizeOf } from "../../base/tensors.ts";
import type { Node, NodeOf } from "../graph/graph.ts";
import { denseStrides } from "../graph/shapes.ts";
import { type ProductSpec, suitsKernel } from "../native/product/product.ts";
import { memoryOf } from "./loopOf.ts";
import { slicePart } from "./slicePart.ts";

/** A matrix product that reads and writes tensors where they lie. */
export interface StridedProduct {
  readonly spec: ProductSpec;
  readonly inputs: readonly Node[];
  readonly output: Node;
}

/** A tensor as a walk through another's memory. */
interface View {
  readonly node: Node;
  /** Elements from one index to the next, for each axis. */
  readonly strides: readonly number[];
  /** The first element. */
  readonly start: number;
}

/**
 * The product that a node stands for: a matrix product, or the transpose of one that nobody else reads. Transposes of
 * operands and of the result that leave the last axis in its place cost nothing: the product walks in other strides. So
 * do slices of whole rows.
 */
export function productOf(node: Node, isReadOnce: (node: Node) => boolean): StridedProduct | undefined {
  const [source] = node.inputs;
  if (node.op === "matmul") return strided(node, { node, strides: denseStrides(node.shape), start: 0 });
  if (node.op !== "transpose" || source?.op !== "matmul" || !isReadOnce(source) || !keepsLast(node)) return undefined;
  const dense = denseStrides(node.shape);
  const strides = source.shape.map((_, axis) => dense[node.attrs.perm.indexOf(axis)] ?? 0);
  return strided(source, { node, strides, start: 0 });
}

function strided(product: NodeOf<"matmul">, output: View): StridedProduct | undefined {
  const [left, right] = product.inputs;
  if (left === undefined || right === undefined || product.dtype !== "float32") return undefined;
  const [a, b] = [viewOf(left), viewOf(right)];
  const { transA, transB, alpha } = product.attrs;
  const spec = { a: left.shape, b: right.shape, transA, transB, alpha };
  if (!suitsKernel(spec)) return undefined;
  const isPlain = output.node === product && a.node === memoryOf(left) && b.node === memoryOf(right);
  const starts = a.start > 0 || b.start > 0 ? { starts: [a.start, b.start] as const } : {};
  const walks = { a: a.strides, b: b.strides, c: output.strides, shape: output.node.shape, ...starts };
  return { spec: isPlain ? spec : { ...spec, walks }, inputs: [a.node, b.node], output: output.node };
}

/** Looks through reshapes, through one transpose that keeps the last axis last, and then through one slice of rows. */
function viewOf(node: Node): View {
  const [source] = node.inputs;
  if (node.op !== "transpose" || source === undefined || !keepsLast(node))
    return { ...startOf(memoryOf(node)), strides: denseStrides(node.shape) };
  const strides = denseStrides(source.shape);
  return { ...startOf(memoryOf(source)), strides: node.attrs.perm.map((axis) => strides[axis] ?? 0) };
}

/** Where a node's elements start in a tensor that holds them one after the other. */
function startOf(node: Node): Pick<View, "node" | "start"> {
  const part = node.op === "slice" ? slicePart(node) : undefined;
  if (part === undefined || part.run !== sizeOf(node.shape)) return { node, start: 0 };
  return { node: memoryOf(part.whole), start: part.start };
}

function keepsLast({ attrs: { perm } }: NodeOf<"transpose">): boolean {
  return perm.at(-1) === perm.length - 1;
}
