import type { DType } from "../../base/tensors.ts";
import type { NodeType } from "./graph.ts";

/** Elementwise functions of one tensor. Same shape and dtype, except `isNan` (bool). */
export const UNARY_OPS = [
  "abs",
  "acos",
  "acosh",
  "asin",
  "asinh",
  "atan",
  "atanh",
  "ceil",
  "cos",
  "cosh",
  "erf",
  "exp",
  "floor",
  "gelu",
  "isNan",
  "log",
  "neg",
  "not",
  "reciprocal",
  "relu",
  "round",
  "sigmoid",
  "sign",
  "silu",
  "sin",
  "sinh",
  "softplus",
  "sqrt",
  "tan",
  "tanh",
] as const;

/** Elementwise functions of two tensors, broadcast against each other. Same dtype in and out. */
export const ARITHMETIC_OPS = ["add", "sub", "mul", "div", "mod", "pow", "max", "min"] as const;

/** Elementwise comparisons and logic of two tensors, broadcast against each other. The result is bool. */
export const COMPARISON_OPS = ["equal", "greater", "greaterEqual", "less", "lessEqual", "and", "or", "xor"] as const;

/** Reductions over a set of axes, which stay as sides of 1. */
export const REDUCE_OPS = ["sum", "mean", "prod", "reduceMax", "reduceMin", "sumSquares"] as const;

export type UnaryOp = (typeof UNARY_OPS)[number];
export type ArithmeticOp = (typeof ARITHMETIC_OPS)[number];
export type ComparisonOp = (typeof COMPARISON_OPS)[number];
export type BinaryOp = ArithmeticOp | ComparisonOp;
export type ReduceOp = (typeof REDUCE_OPS)[number];

type None = Readonly<Record<string, never>>;
type Ints = readonly number[];
type Values = Float32Array | Int32Array | Uint8Array;

/** What each operation of the graph is told besides its inputs. This is the closed set of operations. */
export type OpAttrs = Readonly<
  Record<UnaryOp | BinaryOp, None> &
    Record<ReduceOp, { readonly axes: Ints }> & {
      /** A named input of the program. */
      input: { readonly name: string; readonly shape: Ints; readonly dtype: DType };
      /** Values known when the program was recorded. */
      constant: { readonly data: Values; readonly shape: Ints; readonly dtype: DType };
      /** One value everywhere. */
      fill: { readonly value: number; readonly shape: Ints; readonly dtype: DType };
      /** condition (bool), then, else; all broadcast. */
      where: None;
      cast: { readonly to: NodeType };
      reshape: { readonly shape: Ints };
      /** Output axis i is input axis perm[i]. */
      transpose: { readonly perm: Ints };
      broadcast: { readonly shape: Ints };
      /** Per axis: first index, size of the result, step (may be negative). */
      slice: { readonly begin: Ints; readonly size: Ints; readonly step: Ints };
      pad: { readonly before: Ints; readonly after: Ints; readonly value: number };
      concat: { readonly axis: number };
      /** data, indices (int32): data's `axis` is replaced by the indices' shape. Indices must be in range. */
      gather: { readonly axis: number };
      /** data [rows, c], indices (int32, [n]), updates [n, c]: data with updates added to its rows; repeated rows add up. */
      scatterAdd: None;
      cumsum: { readonly axis: number; readonly exclusive: boolean; readonly reverse: boolean };
      /** Index (int32) of the greatest or least value; the first where several are equal. The axis stays as 1. */
      argMax: { readonly axis: number };
      argMin: { readonly axis: number };
      softmax: { readonly axis: number };
      /** alpha * op(a) op(b) over the last two axes; the axes before broadcast. */
      matmul: { readonly transA: boolean; readonly transB: boolean; readonly alpha: number };
      /** x N C D*, w O C K* [, bias O]: correlation with zero padding. */
      conv: { readonly strides: Ints; readonly before: Ints; readonly after: Ints };
      /** x [, gain [, shift]], over the last axis. Parts: y, mean, 1 / standard deviation (see `part`). */
      layerNorm: { readonly epsilon: number };
      /** x, gain, over the last axis: x / sqrt(mean(x^2) + epsilon) * gain. Parts: y, 1 / root mean square. */
      rmsNorm: { readonly epsilon: number };
      /** x L H d, cos L A, sin L A, A = d / 2: (a, b) -> (a cos - b sin, b cos + a sin) for each head's halves. */
      rotary: None;
      /** A further result of a node that has several: layerNorm's or rmsNorm's. Keeps the rank, last side 1. */
      part: { readonly index: number };
    }
>;

export type OpName = keyof OpAttrs;

const UNARY: ReadonlySet<string> = new Set(UNARY_OPS);
const BINARY: ReadonlySet<string> = new Set([...ARITHMETIC_OPS, ...COMPARISON_OPS]);
const REDUCE: ReadonlySet<string> = new Set(REDUCE_OPS);

export const isUnary = (op: OpName): op is UnaryOp => UNARY.has(op);
export const isBinary = (op: OpName): op is BinaryOp => BINARY.has(op);
export const isReduce = (op: OpName): op is ReduceOp => REDUCE.has(op);
/** True when each element of the result depends on the elements at its own (broadcast) place only. */
export const isElementwise = (op: OpName): boolean => isUnary(op) || isBinary(op) || op === "where" || op === "cast";
