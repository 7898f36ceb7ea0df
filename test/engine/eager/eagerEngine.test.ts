import assert from "node:assert/strict";
import { createRequire } from "node:module";
import * as tf from "@tensorflow/tfjs";
import { floats, ints } from "../../../src/base/tensors.ts";
import { createEagerEngine } from "../../../src/engine/eager/eagerEngine.ts";
import type { Engine, TensorFn } from "../../../src/engine/engine.ts";
import { floatSpec, intSpec } from "../runtime/smallModels.ts";

describe("eager engine on the cpu backend", () => {
  let engine: Engine;
  before(async () => {
    engine = await createEagerEngine("cpu");
  });
  after(() => engine.dispose());

  const step: TensorFn = ({ x, n }) => {
    const [grad] = tf.grads((v: tf.Tensor) => tf.sum(tf.square(v)))([x as tf.Tensor]);
    return {
      x: tf.sub(x as tf.Tensor, tf.mul(grad as tf.Tensor, 0.25)),
      n: tf.add(n as tf.Tensor, tf.scalar(1, "int32")),
    };
  };

  it("runs a function on host memory, gradients and state in place", async () => {
    const program = await engine.compile("step", step, { x: floatSpec(3), n: intSpec() });
    assert.deepEqual(program.outputs, { x: floatSpec(3), n: intSpec() });
    const [x, n] = [floats([3], Float32Array.of(1, 2, 4)), ints([])];
    const binding = program.bind({ x, n }, { x, n });
    await binding.run();
    await binding.run();
    assert.deepEqual([...x.data], [0.25, 0.5, 1]);
    assert.equal(n.data[0], 2);
  });

  it("allocates the outputs that were not given", async () => {
    const program = await engine.compile("step", step, { x: floatSpec(3), n: intSpec() });
    const binding = program.bind({ x: floats([3], Float32Array.of(1, 2, 4)), n: ints([]) });
    await binding.run();
    assert.deepEqual([...(binding.outputs.x?.data ?? [])], [0.5, 1, 2]);
  });

  it("leaks no tensor, also when the function fails, and leaves the current backend alone", async () => {
    const backend = tf.getBackend();
    const program = await engine.compile("step", step, { x: floatSpec(3), n: intSpec() });
    const binding = program.bind({ x: floats([3]), n: ints([]) });
    const { numTensors } = tf.memory();
    for (let i = 0; i < 5; i++) await binding.run();
    const failing: TensorFn = ({ x }) => ({ y: tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D) });
    await assert.rejects(engine.compile("failing", failing, { x: floatSpec(2, 3) }), /failing: .*matMul/s);
    assert.equal(tf.memory().numTensors, numTensors);
    assert.equal(tf.getBackend(), backend);
  });

  it("names the program and the tensor in errors", async () => {
    const program = await engine.compile("step", step, { x: floatSpec(3), n: intSpec() });
    assert.throws(() => program.bind({ x: floats([3]) }), /^Error: step: input n is missing$/);
    assert.throws(() => program.bind({ x: floats([2]), n: ints([]) }), /step: input x: expected float32 \[3\]/);
  });

  it("runs functions that look at what they compute", async () => {
    const seen: number[] = [];
    const looking: TensorFn = ({ x }) => {
      seen.push((x as tf.Tensor).dataSync()[0] ?? Number.NaN);
      return { y: tf.neg(x as tf.Tensor) };
    };
    const program = await engine.compile("looking", looking, { x: floatSpec(1) });
    await program.bind({ x: floats([1], Float32Array.of(7)) }).run();
    assert.deepEqual(seen, [0, 7]);
  });

  it("tells what to install when a backend is missing", async function () {
    if (isInstalled("@tensorflow/tfjs-backend-wasm")) this.skip();
    await assert.rejects(
      createEagerEngine("wasm"),
      /^Error: @tensorflow\/tfjs-backend-wasm is not installed; try npm install @tensorflow\/tfjs-backend-wasm$/,
    );
  });
});

function isInstalled(packageName: string): boolean {
  try {
    createRequire(import.meta.url).resolve(packageName);
    return true;
  } catch {
    return false;
  }
}
