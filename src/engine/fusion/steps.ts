import type { Node } from "../graph/graph.ts";
import { sideAt } from "../graph/shapes.ts";
import {
  LOOP_BINARY,
  LOOP_DOWN,
  LOOP_TURN,
  LOOP_UNARY,
  type LoopBinary,
  type LoopStep,
  type LoopUnary,
} from "../native/loop/spec.ts";

/** 2 sqrt(2 / pi), and the cubic term's factor of GELU's tanh form. */
const GELU_SCALE = 2 * Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;

const UNARY: ReadonlySet<string> = new Set(LOOP_UNARY);
const BINARY: ReadonlySet<string> = new Set(LOOP_BINARY);

const isLoopUnary = (op: string): op is LoopUnary => UNARY.has(op);
const isLoopBinary = (op: string): op is LoopBinary => BINARY.has(op);

/** Whether a loop can compute a node. */
export function isLoopOp(node: Node): boolean {
  if (node.dtype !== "float32" || node.inputs.some(({ dtype }) => dtype !== "float32")) return false;
  const isPlain = isLoopUnary(node.op) || isLoopBinary(node.op) || node.op === "silu" || node.op === "gelu";
  return isPlain || rowLength(node) !== undefined || numDown(node) !== undefined;
}

/** Rows that a node sums up for each column; undefined where it is no such sum. */
export function numDown(node: Node): number | undefined {
  const [x] = node.inputs;
  if (node.op !== "sum" || x === undefined || node.attrs.axes.length !== 1) return undefined;
  const axis = x.shape.length - 2;
  return node.attrs.axes[0] === axis ? x.shape[axis] : undefined;
}

/** Columns of the rows that a node sums up or turns; undefined where it does neither. */
export function rowLength(node: Node): number | undefined {
  const [x, weights] = node.inputs;
  if (x === undefined) return undefined;
  const last = x.shape.length - 1;
  switch (node.op) {
    case "sum":
    case "mean":
    case "reduceMax":
      return node.attrs.axes.length === 1 && node.attrs.axes[0] === last ? x.shape[last] : undefined;
    case "softmax":
      return node.attrs.axis === last ? x.shape[last] : undefined;
    case "layerNorm":
    case "rmsNorm":
      return x.shape[last];
    case "rotary":
      // Halves of whole vectors, of whichever instruction set.
      return sideAt(x.shape, last) % 32 === 0 ? x.shape[last] : undefined;
    case "matmul": {
      // A product with one column: a weighted sum along each row.
      const { transA, transB } = node.attrs;
      const plain = !transA && !transB && last === 1 && weights?.shape.length === 2;
      return plain && weights.shape[1] === 1 ? x.shape[1] : undefined;
    }
    default:
      return undefined;
  }
}

/** Appends steps to a loop's body, or finds equal ones there, and tells their numbers. */
export interface BodyWriter {
  add(step: LoopStep): number;
  /** The number of a node's operand, repeated to the node's places. */
  operand(node: Node, index: number): number;
}

/** Writes a node as steps. The node's value, then the values of its parts. */
export function writeSteps(node: Node, body: BodyWriter): number[] {
  const constant = (value: number) => body.add({ op: "constant", value });
  const unary = (op: LoopUnary, a: number) => body.add({ op, of: [a] });
  const binary = (op: LoopBinary, a: number, b: number) => body.add({ op, of: [a, b] });
  const sum = (a: number) => body.add({ op: "sum", of: [a] });
  const mean = (a: number) => binary("mul", sum(a), constant(1 / (rowLength(node) ?? 1)));
  const x = body.operand(node, 0);
  switch (node.op) {
    case "sum":
      return [numDown(node) === undefined ? sum(x) : body.add({ op: LOOP_DOWN, of: [x] })];
    case "mean":
      return [mean(x)];
    case "reduceMax":
      return [body.add({ op: "reduceMax", of: [x] })];
    case "matmul": {
      const total = sum(binary("mul", x, body.operand(node, 1)));
      return [node.attrs.alpha === 1 ? total : binary("mul", total, constant(node.attrs.alpha))];
    }
    case "softmax": {
      const raised = unary("exp", binary("sub", x, body.add({ op: "reduceMax", of: [x] })));
      return [binary("mul", raised, unary("reciprocal", sum(raised)))];
    }
    case "layerNorm": {
      const middle = mean(x);
      const centred = binary("sub", x, middle);
      const variance = mean(binary("mul", centred, centred));
      const inverse = unary("reciprocal", unary("sqrt", binary("add", variance, constant(node.attrs.epsilon))));
      let y = binary("mul", centred, inverse);
      if (node.inputs.length > 1) y = binary("mul", y, body.operand(node, 1));
      if (node.inputs.length > 2) y = binary("add", y, body.operand(node, 2));
      return [y, middle, inverse];
    }
    case "rmsNorm": {
      const meanSquare = mean(binary("mul", x, x));
      const inverse = unary("reciprocal", unary("sqrt", binary("add", meanSquare, constant(node.attrs.epsilon))));
      const unit = binary("mul", x, inverse);
      return [node.inputs.length > 1 ? binary("mul", unit, body.operand(node, 1)) : unit, inverse];
    }
    // Written out, so that their slopes, where one loop computes both, share the sigmoid.
    case "silu":
      return [binary("mul", x, unary("sigmoid", x))];
    case "gelu": {
      const slope = binary("mul", binary("mul", x, x), constant(GELU_SCALE * GELU_CUBIC));
      const inner = binary("mul", binary("add", slope, constant(GELU_SCALE)), x);
      return [binary("mul", x, unary("sigmoid", inner))];
    }
    case "rotary":
      return [body.add({ op: LOOP_TURN, of: [x, body.operand(node, 1), body.operand(node, 2)] })];
    default:
      if (isLoopUnary(node.op)) return [unary(node.op, x)];
      if (isLoopBinary(node.op)) return [binary(node.op, x, body.operand(node, 1))];
      throw new Error(`${node.op} is no operation of loops`);
  }
}

/** A node's shape with the columns of its rows, or the rows of its columns, in place of their one sum. */
export function placesOf(node: Node, columns: number | undefined, places: number): readonly number[] {
  const [x] = node.inputs;
  if (numDown(node) !== undefined && x !== undefined) return x.shape;
  const size = node.shape.reduce((product, side) => product * side, 1);
  if (size === places || columns === undefined || sideAt(node.shape, -1) !== 1) return node.shape;
  return [...node.shape.slice(0, -1), columns];
}
