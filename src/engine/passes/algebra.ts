import type { Builder } from "../graph/builder.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { sameShape } from "../graph/shapes.ts";
import { firstOf, rewrite } from "./rewrite.ts";

/** Arithmetic that changes nothing or can be said with fewer operations. */
export function algebra(graph: Graph): Graph {
  return rewrite(graph, firstOf(identities, powers, signs, scales, casts));
}

function identities(node: Node, b: Builder): Node | undefined {
  const [x, y] = node.inputs;
  if (x === undefined || y === undefined) return undefined;
  const kept = (operand: Node) => b.broadcast(operand, node.shape);
  switch (node.op) {
    case "add":
      return isValue(y, 0) ? kept(x) : isValue(x, 0) ? kept(y) : undefined;
    case "sub":
      if (isValue(x, 0)) return kept(b.unary("neg", y));
      return isValue(y, 0) ? kept(x) : undefined;
    case "div":
      return isValue(y, 1) ? kept(x) : undefined;
    case "mul":
      if (isValue(x, 1)) return kept(y);
      if (isValue(y, 1)) return kept(x);
      if (isValue(x, -1)) return kept(b.unary("neg", y));
      if (isValue(y, -1)) return kept(b.unary("neg", x));
      return isValue(x, 0) || isValue(y, 0) ? b.fill(0, node.shape, node.dtype) : undefined;
    case "max":
    case "min":
    case "and":
    case "or":
      return x === y ? x : undefined;
    default:
      return undefined;
  }
}

function powers(node: Node, b: Builder): Node | undefined {
  const [x, exponent] = node.inputs;
  if (node.op !== "pow" || x === undefined || exponent === undefined || node.dtype !== "float32") return undefined;
  if (!sameShape(x.shape, node.shape)) return undefined;
  if (isValue(exponent, 1)) return x;
  if (isValue(exponent, 2)) return b.mul(x, x);
  if (isValue(exponent, 3)) return b.mul(b.mul(x, x), x);
  return isValue(exponent, -1) ? b.unary("reciprocal", x) : undefined;
}

function signs(node: Node, b: Builder): Node | undefined {
  const [x, y] = node.inputs;
  const inner = (operand: Node | undefined): Node | undefined =>
    operand?.op === "neg" ? operand.inputs[0] : undefined;
  const [fromX, fromY] = [inner(x), inner(y)];
  if (node.op === "neg") return fromX;
  if (x === undefined || y === undefined) return undefined;
  if (node.op === "add" && fromY !== undefined) return b.sub(x, fromY);
  if (node.op === "add" && fromX !== undefined) return b.sub(y, fromX);
  if (node.op === "sub" && fromY !== undefined) return b.add(x, fromY);
  if (node.op === "mul" && fromX !== undefined && fromY !== undefined) return b.mul(fromX, fromY);
  if (node.op === "mul" && fromX !== undefined && y.op === "fill") return scaled(b, fromX, -y.attrs.value);
  return undefined;
}

/** Products with uniform factors: the factor stands second, alone, and division becomes multiplication. */
function scales(node: Node, b: Builder): Node | undefined {
  const [x, y] = node.inputs;
  if (x === undefined || y === undefined || node.dtype !== "float32") return undefined;
  if (node.op === "div" && y.op === "fill" && y.shape.length === 0) return scaled(b, x, 1 / y.attrs.value);
  if (node.op !== "mul") return undefined;
  if (x.op === "fill" && y.op !== "fill" && x.shape.length === 0) return scaled(b, y, x.attrs.value);
  if (y.op === "fill" && y.shape.length === 0 && scaleOf(x) !== undefined) return scaled(b, x, y.attrs.value);
  return undefined;
}

/** x * factor, joined with a factor that x has already. */
function scaled(b: Builder, x: Node, factor: number): Node {
  const inner = scaleOf(x);
  const [base, total] = inner === undefined ? [x, factor] : [inner.base, inner.factor * factor];
  return total === 1 ? base : b.mul(base, b.scalar(total));
}

/** Takes `base * factor` apart when the factor is uniform. */
export function scaleOf(node: Node): { base: Node; factor: number } | undefined {
  const [base, factor] = node.inputs;
  if (node.op !== "mul" || base === undefined || factor?.op !== "fill" || factor.shape.length > 0) return undefined;
  return { base, factor: factor.attrs.value };
}

/** bool or int32 cast on to a wider type: straight from the source. */
function casts(node: Node, b: Builder): Node | undefined {
  const [x] = node.inputs;
  if (node.op !== "cast" || x === undefined) return undefined;
  if (x.dtype === node.attrs.to) return x;
  const [source] = x.inputs;
  return x.op === "cast" && source?.dtype === "bool" ? b.cast(source, node.attrs.to) : undefined;
}

function isValue(node: Node, value: number): boolean {
  return node.op === "fill" && node.attrs.value === value;
}
