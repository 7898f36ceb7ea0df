import assert from "node:assert/strict";
import type { Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { floats } from "../../src/base/tensors.ts";
import { traceProgram } from "../../src/engine/compile.ts";
import { createEngine } from "../../src/engine/createEngine.ts";
import { engineSchema } from "../../src/engine/engineConfig.ts";
import { encodeOnnx } from "../../src/engine/onnx/encode.ts";
import { lowerToOnnx } from "../../src/engine/onnx/lower.ts";
import { attention } from "../../src/engine/ops/index.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { onWebGpu } from "./adapter.ts";
import { gradientsOf } from "./differential.ts";
import { floatSpec } from "./runtime/smallModels.ts";

/** A number as IEEE 754's binary16 holds it, ties to even; worked out apart from any engine. */
function toHalf(x: number): number {
  const size = Math.abs(x);
  if (size === 0 || !Number.isFinite(x)) return x;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const unit = 2 ** (exponent - 10);
  const steps = size / unit;
  const floor = Math.floor(steps);
  const up = steps - floor > 0.5 || (steps - floor === 0.5 && floor % 2 === 1) ? 1 : 0;
  const rounded = (floor + up) * unit;
  return Math.sign(x) * (rounded > 65504 ? Number.POSITIVE_INFINITY : rounded);
}

describe("products in 16 bits on processors", () => {
  const product = ({ x, w }: Record<string, tf.Tensor>) => ({ y: tf.matMul(x as Tensor2D, w as Tensor2D) });

  async function multiply(x: Float32Array, w: Float32Array, inner: number) {
    const engine = await createOnnxEngine({ threads: 1, precision: "f16" });
    try {
      const [rows, columns] = [x.length / inner, w.length / inner];
      const program = await engine.compile("product", product, {
        x: floatSpec(rows, inner),
        w: floatSpec(inner, columns),
      });
      const { outputs, run } = program.bind({ x: floats([rows, inner], x), w: floats([inner, columns], w) });
      await run();
      return outputs.y?.data as Float32Array;
    } finally {
      await engine.dispose();
    }
  }

  it("are those of rounded operands, rounded", async () => {
    const [rows, inner, columns] = [5, 7, 6];
    const x = Float32Array.from({ length: rows * inner }, (_, i) => 3 * Math.sin(i));
    const w = Float32Array.from({ length: inner * columns }, (_, i) => Math.cos(2 * i));
    const y = await multiply(x, w, inner);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += toHalf(x[row * inner + k] ?? 0) * toHalf(w[k * columns + column] ?? 0);
        assert.equal(y[row * columns + column], toHalf(sum));
      }
    }
  });

  it("overflow as 16 bits do", async () => {
    const y = await multiply(Float32Array.of(300, 300, 1, 1), Float32Array.of(300, 1, 300, 1), 2);
    assert.deepEqual([...y], [Number.POSITIVE_INFINITY, 600, 600, 2]);
  });
});

describe("engine.precision", () => {
  it("is refused where a provider has none, with what it has", async () => {
    for (const [provider, precision, has] of [
      ["cpu", "bf16", "f32 or f16"],
      ["webgpu", "tf32", "f32 or f16"],
    ] as const) {
      await assert.rejects(
        createEngine(engineSchema.parse({ provider, precision })),
        new RegExp(`^UserError: engine.precision: expected ${has} with provider ${provider}, got ${precision}$`),
      );
    }
  });
});

onWebGpu("attention and its gradient in 16 bits", (executor) => {
  it("have no operation on the processors", async () => {
    const spec = floatSpec(2, 3, 8, 4);
    const recipe = { ...spec, low: -1, high: 1 };
    const layer = ({ q, k, v }: Record<string, tf.Tensor>) => ({
      y: attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D),
    });
    const signature = { q: spec, k: spec, v: spec };
    const { graph, inputs, outputs } = traceProgram(
      "p",
      gradientsOf(layer, { q: recipe, k: recipe, v: recipe }),
      signature,
      "f16",
    );
    const bytes = encodeOnnx(lowerToOnnx(graph, { provider: "webgpu" }));
    const session = await executor().open({ name: "p", bytes, inputs, outputs });
    assert.deepEqual(session.fallbacks, []);
    await session.dispose();
  });
});
