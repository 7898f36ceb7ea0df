import type { Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { TensorFn, TensorMap } from "../../../src/engine/engine.ts";
import { boolIn, floatIn, intIn, type Recipes } from "../differential.ts";

/** One way to call a kernel. `smooth` cases are compared in their gradients too. */
export interface KernelCase {
  readonly inputs: Recipes;
  readonly fn: TensorFn;
  readonly smooth: boolean;
}

type Call = (inputs: TensorMap & Record<string, Tensor>) => Tensor | Tensor[];

function one(inputs: Recipes, call: Call, smooth: boolean): KernelCase {
  const fn: TensorFn = (given) => {
    const result = call(given);
    return Array.isArray(result) ? Object.fromEntries(result.map((y, i) => [`y${i}`, y])) : { y: result };
  };
  return { inputs, fn, smooth };
}
const smooth = (inputs: Recipes, call: Call) => one(inputs, call, true);
const plain = (inputs: Recipes, call: Call) => one(inputs, call, false);

/** A function of one tensor, on a matrix, a scalar and a batch of 1. */
function unary(call: (x: Tensor) => Tensor, { low = -2, high = 2, isSmooth = true } = {}): KernelCase[] {
  return [[3, 5], [], [1, 7, 1]].map((shape) =>
    one({ x: floatIn(shape, low, high) }, ({ x }) => call(x as Tensor), isSmooth),
  );
}

/**
 * A function of two tensors: equal shapes, a row, a column against a row, a scalar, sides of 1.
 * Some of tfjs' gradients do not know about broadcasting.
 */
function binary(
  call: (a: Tensor, b: Tensor) => Tensor,
  options: { low?: number; high?: number; isSmooth?: boolean | "ifSameShape" } = {},
): KernelCase[] {
  const { low = -2, high = 2, isSmooth = true } = options;
  const pairs: [number[], number[]][] = [
    [
      [4, 3],
      [4, 3],
    ],
    [[4, 3], [3]],
    [
      [4, 1],
      [1, 3],
    ],
    [[], [2, 3]],
    [
      [1, 3, 1],
      [2, 1, 5],
    ],
  ];
  return pairs.map(([a, b]) => {
    const smoothHere = isSmooth === "ifSameShape" ? a.join() === b.join() : isSmooth;
    return one(
      { a: floatIn(a, low, high), b: floatIn(b, low, high) },
      (t) => call(t.a as Tensor, t.b as Tensor),
      smoothHere,
    );
  });
}

const comparison = (call: (a: Tensor, b: Tensor) => Tensor): KernelCase[] => [
  ...binary(call, { isSmooth: false }),
  plain({ a: intIn([4, 5], 0, 3), b: intIn([5], 0, 3) }, (t) => call(t.a as Tensor, t.b as Tensor)),
];

const integers = (call: (a: Tensor, b: Tensor) => Tensor): KernelCase =>
  plain({ a: intIn([4, 5], -9, 9), b: intIn([5], 1, 6) }, (t) => call(t.a as Tensor, t.b as Tensor));

/** A reduction, over each kind of axis list. */
function reduction(
  call: (x: Tensor, axis?: number | number[], keepDims?: boolean) => Tensor,
  isSmooth = true,
): KernelCase[] {
  const x = floatIn([2, 3, 4], 0.5, 2);
  return [
    one({ x }, (t) => call(t.x as Tensor), isSmooth),
    one({ x }, (t) => call(t.x as Tensor, 1), isSmooth),
    one({ x }, (t) => call(t.x as Tensor, [0, -1], true), isSmooth),
    one({ x: floatIn([1, 6], 0.5, 2) }, (t) => call(t.x as Tensor, 0), isSmooth),
  ];
}

const x_ABC = { x: floatIn([2, 3, 4]) };
const ids = (rows: number, most: number) => intIn([rows], 0, most);

/** Every kernel that can be recorded, with the calls that prove it. */
export const KERNEL_CASES: Readonly<Record<string, readonly KernelCase[]>> = {
  Abs: unary(tf.abs),
  Acos: unary(tf.acos, { low: -0.9, high: 0.9 }),
  Acosh: unary(tf.acosh, { low: 1.2, high: 4 }),
  Add: [...binary(tf.add), integers(tf.add)],
  AddN: [smooth({ a: floatIn([2, 3]), b: floatIn([2, 3]), c: floatIn([2, 3]) }, (t) => tf.addN(Object.values(t)))],
  All: [
    plain({ x: boolIn([3, 4]) }, (t) => tf.all(t.x as Tensor, 1)),
    plain({ x: boolIn([1, 2]) }, (t) => tf.all(t.x as Tensor)),
  ],
  Any: [
    plain({ x: boolIn([3, 4]) }, (t) => tf.any(t.x as Tensor, 0)),
    plain({ x: boolIn([1, 2]) }, (t) => tf.any(t.x as Tensor)),
  ],
  ArgMax: [plain(x_ABC, (t) => tf.argMax(t.x as Tensor, 1)), plain(x_ABC, (t) => tf.argMax(t.x as Tensor, -1))],
  ArgMin: [
    plain(x_ABC, (t) => tf.argMin(t.x as Tensor, 0)),
    plain({ x: intIn([3, 7], 0, 4) }, (t) => tf.argMin(t.x as Tensor, 1)),
  ],
  Asin: unary(tf.asin, { low: -0.9, high: 0.9 }),
  Asinh: unary(tf.asinh),
  Atan: unary(tf.atan),
  Atanh: unary(tf.atanh, { low: -0.9, high: 0.9 }),
  BatchMatMul: [
    smooth({ a: floatIn([4, 5]), b: floatIn([5, 3]) }, (t) => tf.matMul(t.a as Tensor, t.b as Tensor)),
    smooth({ a: floatIn([5, 4]), b: floatIn([5, 3]) }, (t) => tf.matMul(t.a as Tensor, t.b as Tensor, true)),
    smooth({ a: floatIn([2, 4, 5]), b: floatIn([2, 3, 5]) }, (t) =>
      tf.matMul(t.a as Tensor, t.b as Tensor, false, true),
    ),
    smooth({ a: floatIn([2, 3, 5, 4]), b: floatIn([2, 3, 6, 5]) }, (t) =>
      tf.matMul(t.a as Tensor, t.b as Tensor, true, true),
    ),
    smooth({ a: floatIn([1, 1, 5]), b: floatIn([1, 5, 1]) }, (t) => tf.matMul(t.a as Tensor, t.b as Tensor)),
    plain({ a: floatIn([3, 4, 5]), b: floatIn([5, 2]) }, (t) => tf.matMul(t.a as Tensor, t.b as Tensor)),
    plain({ a: floatIn([4, 5]), b: floatIn([3, 5, 2]) }, (t) => tf.matMul(t.a as Tensor, t.b as Tensor)),
  ],
  Cast: [
    plain({ x: floatIn([3, 4], -3, 3) }, (t) => tf.cast(t.x as Tensor, "int32")),
    plain({ x: boolIn([3, 4]) }, (t) => [tf.cast(t.x as Tensor, "int32"), tf.cast(t.x as Tensor, "float32")]),
    plain({ x: intIn([3, 4], -1, 2) }, (t) => [tf.cast(t.x as Tensor, "bool"), tf.cast(t.x as Tensor, "float32")]),
  ],
  Ceil: unary(tf.ceil, { isSmooth: false }),
  ClipByValue: [smooth({ x: floatIn([4, 5]) }, (t) => tf.clipByValue(t.x as Tensor, -0.7, 1.1))],
  Concat: [
    smooth({ a: floatIn([2, 3]), b: floatIn([2, 1]) }, (t) => tf.concat([t.a as Tensor, t.b as Tensor], 1)),
    smooth({ a: floatIn([1, 3]), b: floatIn([4, 3]) }, (t) =>
      tf.concat([t.a as Tensor, t.b as Tensor, t.a as Tensor], 0),
    ),
  ],
  Cos: unary(tf.cos),
  Cosh: unary(tf.cosh),
  Cumsum: [
    plain(x_ABC, (t) => tf.cumsum(t.x as Tensor, 1)),
    smooth(x_ABC, (t) => tf.cumsum(t.x as Tensor, 2, true, true)),
  ],
  Elu: unary(tf.elu),
  EluGrad: [plain({ x: floatIn([4, 5]) }, (t) => tf.grad((x) => tf.elu(x))(t.x as Tensor))],
  Equal: comparison(tf.equal),
  Erf: unary(tf.erf),
  Exp: unary(tf.exp),
  ExpandDims: [smooth(x_ABC, (t) => [tf.expandDims(t.x as Tensor, 1), tf.expandDims(t.x as Tensor, -1)])],
  Expm1: unary(tf.expm1),
  Fill: [
    plain({}, () => tf.fill([2, 3], 1.5)),
    smooth({ x: floatIn([3]) }, (t) => tf.fill([2, 3], 1.5).mul(t.x as Tensor)),
  ],
  Floor: unary(tf.floor, { isSmooth: false }),
  FloorDiv: [...binary(tf.floorDiv, { isSmooth: false, low: 0.5 }), integers(tf.floorDiv)],
  GatherV2: [
    smooth({ x: floatIn([5, 3]), i: ids(4, 5) }, (t) => tf.gather(t.x as Tensor, t.i as Tensor1D)),
    smooth({ x: floatIn([2, 5, 3]), i: intIn([2, 4], 0, 5) }, (t) => tf.gather(t.x as Tensor, t.i as Tensor2D, 1)),
    smooth({ x: floatIn([1, 3]), i: ids(4, 1) }, (t) => tf.gather(t.x as Tensor, t.i as Tensor1D)),
  ],
  Greater: comparison(tf.greater),
  GreaterEqual: comparison(tf.greaterEqual),
  Identity: [smooth(x_ABC, (t) => tf.clone(t.x as Tensor))],
  IsFinite: [plain({ x: floatIn([5], -1, 1) }, (t) => tf.isFinite(tf.div(1, tf.floor(t.x as Tensor))))],
  IsInf: [plain({ x: floatIn([5], -1, 1) }, (t) => tf.isInf(tf.div(1, tf.floor(t.x as Tensor))))],
  IsNan: [plain({ x: floatIn([9], -1, 1) }, (t) => tf.isNaN(tf.sqrt(t.x as Tensor)))],
  LeakyRelu: [smooth({ x: floatIn([4, 5]) }, (t) => tf.leakyRelu(t.x as Tensor, 0.1))],
  Less: comparison(tf.less),
  LessEqual: comparison(tf.lessEqual),
  LinSpace: [plain({}, () => tf.linspace(-1, 2, 7)), plain({}, () => tf.linspace(3, 3, 1))],
  Log: unary(tf.log, { low: 0.2, high: 4 }),
  Log1p: unary(tf.log1p, { low: -0.5, high: 4 }),
  LogicalAnd: [plain({ a: boolIn([4, 3]), b: boolIn([3]) }, (t) => tf.logicalAnd(t.a as Tensor, t.b as Tensor))],
  LogicalNot: [plain({ x: boolIn([4, 3]) }, (t) => tf.logicalNot(t.x as Tensor))],
  LogicalOr: [plain({ a: boolIn([4, 1]), b: boolIn([3]) }, (t) => tf.logicalOr(t.a as Tensor, t.b as Tensor))],
  Max: reduction(tf.max),
  Maximum: [...binary(tf.maximum, { isSmooth: "ifSameShape" }), integers(tf.maximum)],
  Mean: reduction(tf.mean),
  Min: reduction(tf.min),
  Minimum: [...binary(tf.minimum, { isSmooth: "ifSameShape" }), integers(tf.minimum)],
  Mod: [...binary(tf.mod, { isSmooth: false, low: 0.5 }), integers(tf.mod)],
  Multiply: [...binary(tf.mul), integers(tf.mul)],
  Neg: unary(tf.neg),
  NotEqual: comparison(tf.notEqual),
  OneHot: [
    plain({ i: ids(6, 4) }, (t) => tf.oneHot(t.i as Tensor1D, 4)),
    plain({ i: intIn([2, 3], -1, 6) }, (t) => tf.oneHot(t.i as Tensor2D, 5, 2, -1, "float32")),
  ],
  OnesLike: [plain(x_ABC, (t) => tf.onesLike(t.x as Tensor))],
  Pack: [
    smooth({ a: floatIn([2, 3]), b: floatIn([2, 3]) }, (t) => [
      tf.stack([t.a as Tensor, t.b as Tensor]),
      tf.stack([t.a as Tensor, t.b as Tensor], 2),
    ]),
  ],
  PadV2: [
    smooth({ x: floatIn([2, 3]) }, (t) =>
      tf.pad(t.x as Tensor, [
        [0, 1],
        [2, 0],
      ]),
    ),
    plain({ x: intIn([2, 3], 0, 9) }, (t) =>
      tf.pad(
        t.x as Tensor,
        [
          [1, 0],
          [0, 0],
        ],
        7,
      ),
    ),
  ],
  Pow: [
    ...binary(tf.pow, { low: 0.3, high: 3 }),
    ...[1, 2, 3, -1, 0.5].map((exponent) =>
      smooth({ x: floatIn([5], 0.4, 3) }, (t) => tf.pow(t.x as Tensor, exponent)),
    ),
  ],
  Prelu: [smooth({ x: floatIn([4, 3]), alpha: floatIn([3], 0, 1) }, (t) => tf.prelu(t.x as Tensor, t.alpha as Tensor))],
  Prod: reduction(tf.prod, false),
  Range: [plain({}, () => [tf.range(0, 7, 2), tf.range(5, 0, -1, "int32"), tf.range(0, 1, 0.25)])],
  RealDiv: binary(tf.div, { low: 0.5, high: 3 }),
  Reciprocal: unary(tf.reciprocal, { low: 0.5, high: 3 }),
  Relu: unary(tf.relu),
  Relu6: unary(tf.relu6, { low: -3, high: 9 }),
  Reshape: [
    smooth(x_ABC, (t) => tf.reshape(t.x as Tensor, [4, -1])),
    smooth(x_ABC, (t) => tf.reshape(t.x as Tensor, [2, 1, 12])),
  ],
  Reverse: [smooth(x_ABC, (t) => [tf.reverse(t.x as Tensor, 1), tf.reverse(t.x as Tensor)])],
  Round: unary(tf.round, { isSmooth: false }),
  Rsqrt: unary(tf.rsqrt, { low: 0.3, high: 3 }),
  ScatterNd: [
    plain({ i: intIn([5, 1], 0, 3), x: floatIn([5, 2]) }, (t) => tf.scatterND(t.i as Tensor, t.x as Tensor, [3, 2])),
    plain({ i: intIn([6, 2], 0, 3), x: floatIn([6]) }, (t) => tf.scatterND(t.i as Tensor, t.x as Tensor, [3, 4])),
  ],
  Select: [
    smooth({ c: boolIn([3, 4]), a: floatIn([3, 4]), b: floatIn([3, 4]) }, (t) =>
      tf.where(t.c as Tensor, t.a as Tensor, t.b as Tensor),
    ),
    smooth({ c: boolIn([4]), a: floatIn([3, 4]), b: floatIn([]) }, (t) =>
      tf.where(t.c as Tensor, t.a as Tensor, t.b as Tensor),
    ),
  ],
  Sigmoid: unary(tf.sigmoid),
  Sign: unary(tf.sign, { isSmooth: false }),
  Sin: unary(tf.sin),
  Sinh: unary(tf.sinh),
  Slice: [
    smooth(x_ABC, (t) => tf.slice(t.x as Tensor, [0, 1, 2], [2, 2, 1])),
    smooth(x_ABC, (t) => tf.slice(t.x as Tensor, [1], [-1])),
  ],
  Softmax: [
    smooth(x_ABC, (t) => tf.softmax(t.x as Tensor)),
    smooth({ x: floatIn([1, 1], -80, 80) }, (t) => tf.softmax(t.x as Tensor)),
  ],
  Softplus: unary(tf.softplus),
  SplitV: [
    smooth({ x: floatIn([2, 6]) }, (t) => tf.split(t.x as Tensor, 3, 1)),
    smooth({ x: floatIn([5, 2]) }, (t) => tf.split(t.x as Tensor, [1, 4], 0)),
  ],
  Sqrt: unary(tf.sqrt, { low: 0.3, high: 3 }),
  Square: unary(tf.square),
  SquaredDifference: binary(tf.squaredDifference, { isSmooth: "ifSameShape" }),
  Step: [plain({ x: floatIn([4, 5]) }, (t) => [tf.step(t.x as Tensor), tf.step(t.x as Tensor, 0.3)])],
  StridedSlice: [
    plain({ x: floatIn([6, 7]) }, (t) => tf.stridedSlice(t.x as Tensor, [1, 0], [6, 7], [2, 3])),
    plain({ x: floatIn([6, 7]) }, (t) => tf.stridedSlice(t.x as Tensor, [5, 6], [0, 0], [-2, -1], 0, 2)),
    plain({ x: floatIn([6, 7]) }, (t) => tf.stridedSlice(t.x as Tensor, [2, 0], [3, 7], [1, 1], 0, 0, 0, 0, 1)),
  ],
  Sub: [...binary(tf.sub), integers(tf.sub)],
  Sum: [
    ...reduction(tf.sum),
    plain({ x: boolIn([3, 4]) }, (t) => tf.sum(t.x as Tensor, 1)),
    plain({ x: intIn([3, 4], 0, 9) }, (t) => tf.sum(t.x as Tensor)),
  ],
  Tan: unary(tf.tan, { low: -1, high: 1 }),
  Tanh: unary(tf.tanh),
  Tile: [
    smooth({ x: floatIn([1, 3]) }, (t) => tf.tile(t.x as Tensor, [4, 1])),
    smooth({ x: floatIn([2, 3]) }, (t) => tf.tile(t.x as Tensor, [2, 3])),
  ],
  Transpose: [
    smooth(x_ABC, (t) => tf.transpose(t.x as Tensor)),
    smooth({ x: floatIn([2, 1, 3, 4]) }, (t) => tf.transpose(t.x as Tensor, [0, 2, 1, 3])),
    smooth({ x: floatIn([2, 1, 3, 4]) }, (t) => tf.transpose(t.x as Tensor, [1, 0, 2, 3])),
  ],
  Unpack: [smooth({ x: floatIn([3, 2, 4]) }, (t) => [...tf.unstack(t.x as Tensor), ...tf.unstack(t.x as Tensor, 1)])],
  UnsortedSegmentSum: [
    smooth({ x: floatIn([6, 3]), i: ids(6, 4) }, (t) => tf.unsortedSegmentSum(t.x as Tensor, t.i as Tensor1D, 4)),
    plain({ x: floatIn([1100, 2]), i: ids(1100, 1000) }, (t) =>
      tf.unsortedSegmentSum(t.x as Tensor, t.i as Tensor1D, 1000),
    ),
    plain({ x: intIn([6], 0, 9), i: ids(6, 3) }, (t) => tf.unsortedSegmentSum(t.x as Tensor, t.i as Tensor1D, 3)),
  ],
  ZerosLike: [plain(x_ABC, (t) => tf.zerosLike(t.x as Tensor))],
};
