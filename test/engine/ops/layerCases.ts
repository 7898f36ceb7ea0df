import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { TensorFn } from "../../../src/engine/engine.ts";
import {
  APART,
  attention,
  causalConv3d,
  gelu,
  layerNorm,
  linear,
  rmsNorm,
  rotary,
  silu,
  sumSquares,
  takeRows,
} from "../../../src/engine/ops/index.ts";
import { floatIn, type Recipes } from "../differential.ts";

/** A layer of `engine/ops` with the inputs to call it on. */
export interface LayerCase {
  readonly inputs: Recipes;
  readonly fn: TensorFn;
}

function layer(inputs: Recipes, call: (t: Record<string, Tensor | undefined>) => Tensor): LayerCase {
  return { inputs, fn: (given) => ({ y: call(given) }) };
}

const heads = (q: number[], k: number[], bias?: number[]): LayerCase => {
  const inputs = { q: floatIn(q), k: floatIn(k), v: floatIn(k) };
  return layer(bias === undefined ? inputs : { ...inputs, bias: floatIn(bias) }, (t) =>
    attention(t.q as Tensor4D, t.k as Tensor4D, t.v as Tensor4D, t.bias),
  );
};

/** Four queries and keys in two parts that do not see each other. */
const apart = (): LayerCase => {
  const parts = Float32Array.from({ length: 16 }, (_, i) => (i % 4 < 2 === i < 8 ? 0 : APART));
  const tokens = floatIn([2, 3, 4, 5], -6, 6);
  return layer({ q: tokens, k: tokens, v: tokens }, (t) =>
    attention(t.q as Tensor4D, t.k as Tensor4D, t.v as Tensor4D, tf.tensor4d(parts, [1, 1, 4, 4])),
  );
};

const conv = (x: number[], w: number[], biased = false): LayerCase => {
  const inputs = { x: floatIn(x), w: floatIn(w) };
  return layer(biased ? { ...inputs, b: floatIn([w[0] ?? 0]) } : inputs, (t) =>
    causalConv3d(t.x as Tensor5D, t.w as Tensor5D, t.b as Tensor1D | undefined),
  );
};

/** Angles are fixed numbers: rotary's tables are constants. */
const turned = (tokens: number, numHeads: number, width: number): LayerCase => {
  const angles = Float32Array.from({ length: (tokens * width) / 2 }, (_, i) => 0.7 * i - 2);
  const table = (values: Float32Array) => tf.tensor3d(values, [tokens, 1, width / 2]);
  return layer({ x: floatIn([tokens, numHeads, width]) }, (t) =>
    rotary(t.x as Tensor3D, table(angles.map(Math.cos)), table(angles.map(Math.sin))),
  );
};

const rows = (numRows: number, width: number, indices: number[]): LayerCase =>
  layer({ x: floatIn([numRows, width]) }, (t) => takeRows(t.x as Tensor2D, tf.tensor1d(indices, "int32")));

const norm = (shape: number[]): LayerCase[] => {
  const affine = { g: floatIn(shape.slice(-1)), s: floatIn(shape.slice(-1)) };
  return [
    layer({ x: floatIn(shape) }, (t) => layerNorm(t.x as Tensor)),
    layer({ x: floatIn(shape), ...affine }, (t) => layerNorm(t.x as Tensor, t.g as Tensor1D, t.s as Tensor1D, 1e-5)),
  ];
};

const rms = (shape: number[], axis: number): LayerCase =>
  layer({ x: floatIn(shape), g: floatIn([shape.at(axis) ?? 0]) }, (t) => rmsNorm(t.x as Tensor, t.g as Tensor1D, axis));

/** Every layer that is recorded as one node, with the calls that prove it. */
export const LAYER_CASES: Readonly<Record<string, readonly LayerCase[]>> = {
  linear: [
    layer({ x: floatIn([5, 3]), w: floatIn([3, 4]), b: floatIn([4]) }, (t) =>
      linear(t.x as Tensor, t.w as Tensor2D, t.b as Tensor1D),
    ),
    layer({ x: floatIn([2, 1, 3]), w: floatIn([3, 1]) }, (t) => linear(t.x as Tensor, t.w as Tensor2D)),
  ],
  silu: [
    layer({ x: floatIn([4, 5], -6, 6) }, (t) => silu(t.x as Tensor)),
    layer({ x: floatIn([1]) }, (t) => silu(t.x as Tensor)),
  ],
  gelu: [
    layer({ x: floatIn([4, 5], -6, 6) }, (t) => gelu(t.x as Tensor)),
    layer({ x: floatIn([]) }, (t) => gelu(t.x as Tensor)),
  ],
  layerNorm: [...norm([4, 6]), ...norm([1, 3, 5])],
  rmsNorm: [rms([4, 6], -1), rms([1, 2, 3, 8], 3), rms([2, 5, 2, 3], 1), rms([1, 4], 1)],
  attention: [
    heads([2, 3, 4, 5], [2, 3, 4, 5]),
    heads([1, 2, 3, 4], [1, 2, 6, 4]),
    heads([2, 3, 4, 5], [2, 3, 6, 5], [2, 1, 1, 6]),
    heads([2, 3, 4, 5], [2, 3, 6, 5], [4, 6]),
    heads([1, 1, 1, 2], [1, 1, 1, 2]),
    apart(),
  ],
  rotary: [turned(5, 3, 8), turned(1, 1, 2), turned(4, 1, 6), turned(5, 3, 64), turned(3, 1, 32)],
  causalConv3d: [
    conv([1, 3, 4, 5, 6], [2, 3, 3, 3, 3], true),
    conv([2, 2, 3, 4, 4], [3, 2, 2, 3, 3]),
    conv([2, 3, 4, 3, 5], [4, 3, 1, 1, 1], true),
    conv([2, 3, 4, 3, 5], [4, 3, 1, 3, 3]),
    conv([1, 3, 4, 3, 5], [2, 3, 3, 1, 1]),
    conv([1, 2, 1, 5, 4], [2, 2, 3, 3, 3]),
    conv([1, 2, 2, 5, 4], [1, 2, 3, 5, 3]),
  ],
  takeRows: [rows(4, 3, [2, 0, 2, 2, 3]), rows(1, 2, [0, 0]), rows(5, 1, [4])],
  sumSquares: [
    layer({ x: floatIn([3, 4]) }, (t) => sumSquares(t.x as Tensor)),
    layer({ x: floatIn([]) }, (t) => sumSquares(t.x as Tensor)),
  ],
};
