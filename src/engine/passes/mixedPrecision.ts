import { sizeOf } from "../../base/tensors.ts";
import type { Builder } from "../graph/builder.ts";
import type { Graph, HalfType, Node, NodeOf } from "../graph/graph.ts";
import type { OpName } from "../graph/ops.ts";
import { rewrite } from "./rewrite.ts";

/**
 * Matrix products and convolutions take and give 16-bit floats; everything else stays as it is. A factor of a product
 * goes to its smaller operand, before that is rounded. Products that are sums in disguise stay in 32 bits.
 */
export function mixedPrecision(half: HalfType): (graph: Graph) => Graph {
  return (graph) =>
    rewrite(graph, (node, b) => {
      if (node.op === "conv") return roundedConv(node, b, half);
      return node.op === "matmul" && !isSum(node) ? roundedProduct(node, b, half) : undefined;
    });
}

/** A product with one row or column, with a uniform operand or a one-hot one. */
function isSum({ inputs, shape }: NodeOf<"matmul">): boolean {
  if (shape.at(-1) === 1 || shape.at(-2) === 1) return true;
  return inputs.some((input) => input.op === "fill" || (input.op === "cast" && input.inputs[0]?.dtype === "bool"));
}

function roundedConv(node: NodeOf<"conv">, b: Builder, half: HalfType): Node {
  const inputs = node.inputs.map((input) => b.cast(input, half));
  return b.cast(b.make("conv", inputs, node.attrs), "float32");
}

function roundedProduct(node: NodeOf<"matmul">, b: Builder, half: HalfType): Node {
  const { alpha, ...flags } = node.attrs;
  const [left, right] = node.inputs as [Node, Node];
  const smaller = sizeOf(left.shape) <= sizeOf(right.shape) ? 0 : 1;
  const [x, y] = [left, right].map((operand, i) => {
    const exact = i === smaller && alpha !== 1 ? b.mul(operand, b.scalar(alpha)) : operand;
    return b.cast(exact, half);
  }) as [Node, Node];
  return b.cast(b.matmul(x, y, flags), "float32");
}

const MOVES: ReadonlySet<OpName> = new Set(["reshape", "transpose", "slice", "broadcast"]);

/** What is rounded back to the 16 bits that it came from, moved at most on the way, is moved in 16 bits. */
export function halfMovement(graph: Graph): Graph {
  return rewrite(graph, (node, b) => {
    const [x] = node.inputs;
    if (node.op !== "cast" || x === undefined || node.attrs.to === "float32") return undefined;
    return inHalf(x, node.attrs.to, b);
  });
}

function inHalf(node: Node, half: Node["dtype"], b: Builder): Node | undefined {
  const [x] = node.inputs;
  if (x === undefined) return undefined;
  if (node.op === "cast") return x.dtype === half ? x : undefined;
  if (!MOVES.has(node.op)) return undefined;
  const source = inHalf(x, half, b);
  return source === undefined ? undefined : b.make<OpName>(node.op, [source], node.attrs);
}
