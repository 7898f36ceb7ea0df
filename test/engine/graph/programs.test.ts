import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { traceProgram } from "../../../src/engine/compile.ts";
import type { TensorFn, TensorMap } from "../../../src/engine/engine.ts";
import { printGraph } from "../../../src/engine/graph/text.ts";
import {
  attention,
  causalConv3d,
  gelu,
  layerNorm,
  linear,
  rmsNorm,
  silu,
  sumSquares,
  valueAndGrads,
} from "../../../src/engine/ops/index.ts";
import { assertGolden } from "../goldenText.ts";

const floats = (...shape: number[]) => ({ shape, dtype: "float32" as const });

/** Loss and every gradient. */
const training =
  (loss: (t: Record<string, Tensor | undefined>) => Tensor): TensorFn =>
  (inputs) => {
    const objective = (tensors: TensorMap) => ({ loss: loss(tensors) as Scalar, aux: {} });
    const { value, grads } = valueAndGrads(objective, inputs);
    return { loss: value, ...Object.fromEntries(Object.entries(grads).map(([name, grad]) => [`d${name}`, grad])) };
  };

const PROGRAMS = {
  "linear-gelu": {
    signature: { x: floats(32, 4), w: floats(4, 6), b: floats(6) },
    fn: training(({ x, w, b }) => tf.mean(tf.square(gelu(linear(x as Tensor, w as Tensor2D, b as Tensor1D))))),
  },
  attention: {
    signature: { x: floats(2, 8, 6), w: floats(6, 18), g: floats(3) },
    fn: training(({ x, w, g }) => {
      const parts = tf.split(tf.reshape(linear(layerNorm(x as Tensor), w as Tensor2D), [2, 8, 6, 3]), 3, 2);
      const [q, k, v] = parts.map((part) => tf.transpose(part, [0, 2, 1, 3])) as [Tensor4D, Tensor4D, Tensor4D];
      const normed = (heads: Tensor4D) => rmsNorm(heads, g as Tensor1D) as Tensor4D;
      return sumSquares(attention(normed(q), normed(k), v));
    }),
  },
  "causal-conv": {
    signature: { x: floats(1, 2, 3, 4, 4), w: floats(3, 2, 3, 3, 3), b: floats(3), g: floats(2) },
    fn: training(({ x, w, b, g }) => {
      const h = silu(rmsNorm(x as Tensor, g as Tensor1D, 1)) as Tensor5D;
      return tf.mean(tf.abs(causalConv3d(h, w as Tensor5D, b as Tensor1D)));
    }),
  },
};

describe("whole programs as text", () => {
  before(() => tf.setBackend("cpu"));
  for (const [name, { fn, signature }] of Object.entries(PROGRAMS)) {
    it(`${name}: loss and gradients`, () => {
      assertGolden(name, printGraph(traceProgram(name, fn, signature).graph));
    });
  }
});
