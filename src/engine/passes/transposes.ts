import type { Builder } from "../graph/builder.ts";
import type { Graph, Node, NodeOf } from "../graph/graph.ts";
import { isBinary, type OpName } from "../graph/ops.ts";
import { sameShape } from "../graph/shapes.ts";
import { rewrite } from "./rewrite.ts";

/**
 * Moves transposes behind what follows where one fewer is then made: an elementwise operation meets the other operand
 * as an earlier transpose holds it already, and sums along the last axis leave less to move. Attention's gradient
 * reads its output so as the next layer does, which then is the only way in which the output must lie.
 */
export function transposes(graph: Graph): Graph {
  /** The transposes of each node so far. */
  const known = new Map<Node, NodeOf<"transpose">[]>();
  return rewrite(graph, (node, b) => {
    if (node.op === "transpose") return remembered(node, b, known);
    return meeting(node, b, known) ?? afterSum(node, b);
  });
}

type Known = Map<Node, NodeOf<"transpose">[]>;

function remembered(node: NodeOf<"transpose">, b: Builder, known: Known): Node {
  const [x] = node.inputs;
  const kept = b.append(node);
  if (x !== undefined && kept.op === "transpose") known.set(x, [...(known.get(x) ?? []), kept]);
  return kept;
}

/** f(transpose(x), y) = transpose(f(x, y')), where y' = transpose back (y) is there already. */
function meeting(node: Node, b: Builder, known: Known): Node | undefined {
  const [first, second] = node.inputs;
  if (!isBinary(node.op) || first === undefined || second === undefined) return undefined;
  for (const [moved, other] of [
    [first, second],
    [second, first],
  ] as const) {
    const [x] = moved.inputs;
    if (moved.op !== "transpose" || x === undefined || !sameShape(moved.shape, other.shape)) continue;
    const { perm } = moved.attrs;
    const back = known.get(other)?.find(({ attrs }) => perm.every((axis, i) => attrs.perm[axis] === i));
    if (back === undefined) continue;
    const inputs = moved === first ? [x, back] : [back, x];
    return b.transpose(b.make<OpName>(node.op, inputs, {}), perm);
  }
  return undefined;
}

function afterSum(node: Node, b: Builder): Node | undefined {
  const [moved] = node.inputs;
  if (node.op !== "sum" || moved?.op !== "transpose") return undefined;
  const [x] = moved.inputs;
  const { perm } = moved.attrs;
  const last = perm.length - 1;
  if (x === undefined || perm[last] !== last || !sameShape(node.attrs.axes, [last])) return undefined;
  return b.transpose(b.reduce("sum", x, [last]), perm);
}
