import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { floats } from "../../../src/base/tensors.ts";
import { traceProgram } from "../../../src/engine/compile.ts";
import type { Engine, TensorFn } from "../../../src/engine/engine.ts";
import { splitSums } from "../../../src/engine/fusion/splitSums.ts";
import { whyNoKernels } from "../../../src/engine/native/support.ts";
import { createOnnxEngine } from "../../../src/engine/runtime/onnxEngine.ts";
import { generator } from "../differential.ts";

const [rows, columns] = [768, 96];
const signature = { x: { shape: [rows, columns], dtype: "float32" } } as const;
const sums: TensorFn = ({ x }) => {
  const y = tf.mul(x as tf.Tensor, 2);
  return { perColumn: tf.sum(y, 0), whole: tf.sum(tf.square(y)) };
};

describe("sums cut in two", () => {
  let engine: Engine;
  before(async function () {
    if (whyNoKernels() !== undefined) this.skip();
    engine = await createOnnxEngine({ threads: 2, executor: "c", kernels: "native" });
  });
  after(() => engine?.dispose());

  it("equal sums in double precision", async () => {
    const next = generator(7);
    const x = Float32Array.from({ length: rows * columns }, () => next() - 0.3);
    const program = await engine.compile("sums", sums, signature);
    const binding = program.bind({ x: floats([rows, columns], x) });
    await binding.run();
    const { perColumn, whole } = binding.outputs;
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += 2 * x[row * columns + column]!;
      assert.ok(Math.abs(perColumn!.data[column]! - sum) < 1e-4 * Math.abs(sum), `column ${column}`);
    }
    const squares = x.reduce((sum, value) => sum + 4 * value * value, 0);
    assert.ok(Math.abs(whole!.data[0]! - squares) < 1e-6 * squares);
    binding.dispose();
  });

  it("take groups of rows first, those of the operation that makes them where it has any", () => {
    const kinds = (fn: TensorFn) =>
      splitSums(traceProgram("p", fn, signature).graph).nodes.flatMap(({ op, inputs }) =>
        op === "sum" ? [String(inputs[0]?.shape)] : [],
      );
    assert.deepEqual(
      kinds(({ x }) => ({ y: tf.sum(tf.exp(x as tf.Tensor), 0) })),
      ["16,48,96", "16,96"],
    );
    const strips: TensorFn = ({ x }) => {
      const made = tf.exp(tf.reshape(x as tf.Tensor, [32, 24, columns]));
      return { y: tf.sum(tf.reshape(made, [rows, columns]), 0) };
    };
    assert.deepEqual(kinds(strips), ["32,24,96", "32,96"]);
    assert.deepEqual(
      kinds(({ x }) => ({ y: tf.sum(x as tf.Tensor) })),
      ["18,4096", "18,1"],
    );
  });
});
