import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { floats, ints } from "../../../src/base/tensors.ts";
import type { Engine, TensorFn } from "../../../src/engine/engine.ts";
import { executorNames } from "../../../src/engine/runtime/executors.ts";
import { createOnnxEngine } from "../../../src/engine/runtime/onnxEngine.ts";
import { ProgramCache } from "../../../src/engine/runtime/programCache.ts";
import { floatSpec } from "./smallModels.ts";

/** y = tanh(x w), and the state s moved towards the mean of x. */
const layer: TensorFn = ({ x, w, s }) => ({
  y: tf.tanh(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D)),
  next: tf.add(tf.mul(s as tf.Tensor, 0.5), tf.mul(tf.mean(x as tf.Tensor), 0.5)),
});
const signature = { x: floatSpec(2, 3), w: floatSpec(3, 4), s: floatSpec() };
const x = floats([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
const w = floats(
  [3, 4],
  Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)),
);

for (const executor of executorNames) {
  describe(`onnx engine, executor ${executor}`, () => {
    let engine: Engine;
    before(async () => {
      engine = await createOnnxEngine({ threads: 1, executor });
    });
    after(() => engine.dispose());

    it("computes what the function says, state in place", async () => {
      const program = await engine.compile("layer", layer, signature);
      assert.deepEqual(program.outputs, { y: floatSpec(2, 4), next: floatSpec() });
      assert.equal(program.flops, 2 * 2 * 4 * 3);
      assert.ok(program.compileMs > 0);
      assert.equal(program.cached, false);
      const s = floats([]);
      const binding = program.bind({ x, w, s }, { next: s });
      assert.equal(binding.outputs.next, s);
      await binding.run();
      await binding.run();
      assert.equal(s.data[0], 0.5 * (0.5 * 3.5) + 0.5 * 3.5);
      for (const row of [0, 1]) {
        for (const column of [0, 1, 2, 3]) {
          const products = [0, 1, 2].map((k) => (x.data[3 * row + k] ?? 0) * (w.data[4 * k + column] ?? 0));
          const expected = Math.tanh(products.reduce((a, b) => a + b));
          assert.ok(Math.abs(expected - (binding.outputs.y?.data[4 * row + column] ?? Number.NaN)) < 1e-6);
        }
      }
      await program.dispose();
    });

    it("names the program in errors", async () => {
      const reading: TensorFn = ({ x }) => ({ y: tf.scalar((x as tf.Tensor).dataSync()[0] ?? 0) });
      await assert.rejects(engine.compile("peek", reading, { x: floatSpec(1) }), /^Error: peek: /);
      const program = await engine.compile("layer", layer, signature);
      assert.throws(() => program.bind({ x, w }), /^Error: layer: input s is missing$/);
      assert.throws(() => program.bind({ x, w, s: ints([]) }), /layer: input s: expected float32 \[\], got int32 \[\]/);
      await program.dispose();
    });

    it("frees its programs when disposed", async () => {
      const own = await createOnnxEngine({ threads: 1, executor });
      const program = await own.compile("layer", layer, signature);
      const binding = program.bind({ x, w, s: floats([]) });
      await own.dispose();
      await assert.rejects(binding.run(), /layer: this binding was disposed/);
      assert.throws(() => program.bind({ x, w, s: floats([]) }), /layer: it was disposed/);
    });

    it("takes the model of an earlier start from the cache, with the same results", async () => {
      const folder = await mkdtemp(join(tmpdir(), "kinema-cache-"));
      const results: Float32Array[] = [];
      for (const cached of [false, true]) {
        const own = await createOnnxEngine({ threads: 1, executor, cache: new ProgramCache(folder) });
        const program = await own.compile("layer", layer, signature);
        assert.equal(program.cached, cached);
        const { outputs, run } = program.bind({ x, w, s: floats([]) });
        await run();
        results.push(outputs.y?.data as Float32Array);
        await own.dispose();
      }
      assert.deepEqual(results[0], results[1]);
      const other: TensorFn = ({ x, w, s }) =>
        layer({ x: tf.neg(x as tf.Tensor), w: w as tf.Tensor, s: s as tf.Tensor });
      const own = await createOnnxEngine({ threads: 1, executor, cache: new ProgramCache(folder) });
      assert.equal((await own.compile("layer", other, signature)).cached, false);
      await own.dispose();
      await rm(folder, { recursive: true });
    });
  });
}
