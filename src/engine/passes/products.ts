import { sizeOf } from "../../base/tensors.ts";
import type { Builder } from "../graph/builder.ts";
import { countUses, type Graph, type Node, type NodeOf } from "../graph/graph.ts";
import { sideAt } from "../graph/shapes.ts";
import { scaleOf } from "./algebra.ts";
import { rewrite } from "./rewrite.ts";

/**
 * Folds into products what they can do themselves: transposes and uniform factors of their operands. Leading sides
 * of 1 go, and a batch that shares its right operand becomes rows.
 */
export function products(graph: Graph): Graph {
  return rewrite(graph, (node, b) => (node.op === "matmul" ? absorb(node, b) : undefined));
}

function absorb(node: NodeOf<"matmul">, b: Builder): Node {
  const [left, right] = [operand(node, 0), operand(node, 1)];
  const [a, c] = [bare(left), bare(right)];
  const { transA, transB, alpha } = node.attrs;
  const folded = {
    transA: transA !== a.transposed,
    transB: transB !== c.transposed,
    alpha: alpha * a.factor * c.factor,
  };
  return b.reshape(flat(b, a.node, c.node, folded), node.shape);
}

interface Flags {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
}

/** The product with as few axes as it can have. */
function flat(b: Builder, left: Node, right: Node, flags: Flags): Node {
  const batch = sizeOf(left.shape.slice(0, -2));
  const rightBatch = sizeOf(right.shape.slice(0, -2));
  const matrix = (node: Node) => b.reshape(node, node.shape.slice(-2));
  if (batch === 1 && rightBatch === 1) return b.matmul(matrix(left), matrix(right), flags);
  if (rightBatch === 1 && !flags.transA) {
    const rows = b.reshape(left, [batch * sideAt(left.shape, -2), sideAt(left.shape, -1)]);
    return b.matmul(rows, matrix(right), flags);
  }
  return b.matmul(left, right, flags);
}

/** An operand without the uniform factor and the swap of its last two axes that lead to it. */
function bare(node: Node): { node: Node; transposed: boolean; factor: number } {
  const scale = scaleOf(node);
  if (scale !== undefined) {
    const inner = bare(scale.base);
    return { ...inner, factor: inner.factor * scale.factor };
  }
  const [x] = node.inputs;
  if (node.op !== "transpose" || x === undefined || !swapsLastTwo(node.attrs.perm)) {
    return { node, transposed: false, factor: 1 };
  }
  const inner = bare(x);
  return { ...inner, transposed: !inner.transposed };
}

function swapsLastTwo(perm: readonly number[]): boolean {
  const last = perm.length - 1;
  return perm.every((axis, i) => axis === (i === last ? last - 1 : i === last - 1 ? last : i));
}

function operand(node: Node, index: number): Node {
  const input = node.inputs[index];
  if (input === undefined) throw new Error(`node ${node.id} has no operand ${index}`);
  return input;
}

/** A uniform factor of a product's result goes into the product, unless others need the product without it. */
export function resultScales(graph: Graph): Graph {
  const uses = countUses(graph);
  return rewrite(graph, (node, b, original) => {
    const scale = scaleOf(node);
    if (scale === undefined) return undefined;
    const product = scale.base.op === "reshape" ? operand(scale.base, 0) : scale.base;
    if (product.op !== "matmul" || !usedOnce(operand(original, 0), uses)) return undefined;
    const alpha = product.attrs.alpha * scale.factor;
    return b.reshape(b.matmul(operand(product, 0), operand(product, 1), { ...product.attrs, alpha }), node.shape);
  });
}

function usedOnce(node: Node, uses: ReadonlyMap<Node, number>): boolean {
  if (uses.get(node) !== 1) return false;
  return node.op !== "reshape" || usedOnce(operand(node, 0), uses);
}
