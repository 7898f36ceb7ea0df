import { assert } from "../../base/errors.ts";
import { fullType, type Graph, type GraphOutput, type Node, type NodeOf, type NodeType } from "./graph.ts";
import { inferSpec } from "./infer.ts";
import type { BinaryOp, OpAttrs, OpName, ReduceOp, UnaryOp } from "./ops.ts";
import { sameShape } from "./shapes.ts";

/** Appends nodes in order. The named methods leave out nodes that would change nothing. */
export class Builder {
  readonly nodes: Node[] = [];

  /** Appends any operation. @throws when the inputs do not fit it. */
  make<Op extends OpName>(op: Op, inputs: readonly Node[], attrs: OpAttrs[Op]): Node {
    const { shape, dtype } = inferSpec(op, inputs, attrs);
    return this.adopt({ id: 0, op, inputs, attrs, shape, dtype } as Node);
  }

  /** Appends a node of another graph, or one with new inputs. Its shape and dtype must be right already. */
  append(node: Node): Node {
    return this.adopt({ ...node });
  }

  /** Appends a node that nobody else holds, as it is but for its number. */
  adopt(node: { -readonly [Key in keyof Node]: Node[Key] }): Node {
    node.id = this.nodes.length;
    this.nodes.push(node as Node);
    return node as Node;
  }

  unary(op: UnaryOp, x: Node): Node {
    return this.make(op, [x], {});
  }

  binary(op: BinaryOp, a: Node, b: Node): Node {
    return this.make(op, [a, b], {});
  }

  add(a: Node, b: Node): Node {
    return this.binary("add", a, b);
  }

  sub(a: Node, b: Node): Node {
    return this.binary("sub", a, b);
  }

  mul(a: Node, b: Node): Node {
    return this.binary("mul", a, b);
  }

  div(a: Node, b: Node): Node {
    return this.binary("div", a, b);
  }

  /** A scalar that broadcasts against anything of its dtype. */
  scalar(value: number, dtype: NodeType = "float32"): Node {
    return this.fill(value, [], dtype);
  }

  fill(value: number, shape: readonly number[], dtype: NodeType = "float32"): Node {
    return this.make("fill", [], { value, shape, dtype: fullType(dtype) });
  }

  cast(x: Node, to: NodeType): Node {
    return x.dtype === to ? x : this.make("cast", [x], { to });
  }

  reshape(x: Node, shape: readonly number[]): Node {
    return sameShape(x.shape, shape) ? x : this.make("reshape", [x], { shape });
  }

  transpose(x: Node, perm: readonly number[]): Node {
    return perm.every((axis, i) => axis === i) ? x : this.make("transpose", [x], { perm });
  }

  broadcast(x: Node, shape: readonly number[]): Node {
    return sameShape(x.shape, shape) ? x : this.make("broadcast", [x], { shape });
  }

  /** A box of `x`; `step` is 1 on every axis by default. */
  slice(
    x: Node,
    begin: readonly number[],
    size: readonly number[],
    step: readonly number[] = begin.map(() => 1),
  ): Node {
    const whole = sameShape(x.shape, size) && step.every((by) => by === 1);
    return whole ? x : this.make("slice", [x], { begin, size, step });
  }

  pad(x: Node, before: readonly number[], after: readonly number[], value = 0): Node {
    const none = [...before, ...after].every((count) => count === 0);
    return none ? x : this.make("pad", [x], { before, after, value });
  }

  concat(parts: readonly Node[], axis: number): Node {
    const [only] = parts;
    assert(only !== undefined, "nothing to join");
    return parts.length === 1 ? only : this.make("concat", parts, { axis });
  }

  reduce(op: ReduceOp, x: Node, axes: readonly number[]): Node {
    return axes.length === 0 && op !== "sumSquares" ? x : this.make(op, [x], { axes });
  }

  matmul(a: Node, b: Node, { transA = false, transB = false, alpha = 1 } = {}): Node {
    return this.make("matmul", [a, b], { transA, transB, alpha });
  }

  /** The finished program. */
  graph(name: string, outputs: readonly GraphOutput[]): Graph {
    const inputs = this.nodes.filter((node): node is NodeOf<"input"> => node.op === "input");
    return { name, nodes: this.nodes, inputs, outputs };
  }
}
