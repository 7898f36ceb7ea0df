import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { floats } from "../../../src/base/tensors.ts";
import { onBackend } from "../../../src/engine/eager/backends.ts";
import { createEagerEngine } from "../../../src/engine/eager/eagerEngine.ts";
import type { TensorFn } from "../../../src/engine/engine.ts";
import { valueAndGrads } from "../../../src/engine/ops/index.ts";
import { assertClose, fill, gradientsOf, type Recipes, runEagerly } from "../differential.ts";
import { LAYER_CASES } from "../ops/layerCases.ts";
import { floatSpec } from "../runtime/smallModels.ts";
import { KERNEL_CASES } from "../trace/kernelCases.ts";
import { onTensorflow } from "./nativeTensorflow.ts";

/** As for compiled kernels. */
const TOLERANCE = 2e-6;
const GRADIENT_TOLERANCE = 1e-5;

function compare(fn: TensorFn, inputs: Recipes, seed: number, tolerance: number): void {
  const given = fill(inputs, seed);
  const expected = onBackend("cpu", () => runEagerly(fn, given));
  assertClose(
    onBackend("tensorflow", () => runEagerly(fn, given)),
    expected,
    tolerance,
  );
}

onTensorflow("native TensorFlow equals tfjs' cpu backend", () => {
  for (const [kernel, cases] of Object.entries(KERNEL_CASES)) {
    it(kernel, () => {
      for (const [index, { fn, inputs, smooth }] of cases.entries()) {
        compare(fn, inputs, 1000 + index, TOLERANCE);
        if (smooth) compare(gradientsOf(fn, inputs), inputs, 1000 + index, GRADIENT_TOLERANCE);
      }
    });
  }

  for (const [layer, cases] of Object.entries(LAYER_CASES)) {
    it(`layer ${layer}`, () => {
      for (const [index, { fn, inputs }] of cases.entries()) {
        compare(fn, inputs, 500 + index, TOLERANCE);
        compare(gradientsOf(fn, inputs), inputs, 500 + index, GRADIENT_TOLERANCE);
      }
    });
  }
});

onTensorflow("eager engine on native TensorFlow", () => {
  /** A step of gradient descent on the sum of (x w)^2, and a counter of steps. */
  const descend: TensorFn = ({ x, w, n }) => {
    const { grads, value } = valueAndGrads(
      (given) => ({ loss: tf.sum(tf.square(tf.matMul(x as tf.Tensor2D, given.w as tf.Tensor2D))).asScalar(), aux: {} }),
      { w: w as tf.Tensor },
    );
    return { loss: value, w: tf.sub(w as tf.Tensor, tf.mul(grads.w as tf.Tensor, 0.25)), n: tf.add(n as tf.Tensor, 1) };
  };

  it("updates state in place, and shares tfjs' tensors and gradients", async () => {
    const engine = await createEagerEngine("tensorflow");
    const program = await engine.compile("descend", descend, {
      x: floatSpec(1, 2),
      w: floatSpec(2, 1),
      n: floatSpec(),
    });
    const [x, w, n] = [floats([1, 2], Float32Array.of(1, 2)), floats([2, 1], Float32Array.of(3, 1)), floats([])];
    const binding = program.bind({ x, w, n }, { w, n });
    await binding.run();
    assert.deepEqual([...(binding.outputs.loss?.data ?? [])], [25]);
    assert.deepEqual([...w.data], [0.5, -4]);
    await binding.run();
    assert.deepEqual([...w.data], [4.25, 3.5]);
    assert.equal(n.data[0], 2);
    onBackend("tensorflow", () => tf.tidy(() => assert.ok(tf.neg([1]) instanceof tf.Tensor)));
    await engine.dispose();
  });

  it("frees every tensor of a step, TensorFlow's too", async () => {
    const engine = await createEagerEngine("tensorflow");
    const program = await engine.compile("descend", descend, {
      x: floatSpec(1, 2),
      w: floatSpec(2, 1),
      n: floatSpec(),
    });
    const binding = program.bind({ x: floats([1, 2]), w: floats([2, 1]), n: floats([]) });
    await binding.run();
    const held = () => [tf.memory().numTensors, onBackend("tensorflow", numNativeTensors)];
    const before = held();
    for (let i = 0; i < 5; i++) await binding.run();
    assert.deepEqual(held(), before);
    await engine.dispose();
  });
});

function numNativeTensors(): number {
  const backend = tf.backend();
  assert.ok("getNumOfTFTensors" in backend && typeof backend.getNumOfTFTensors === "function");
  return backend.getNumOfTFTensors();
}
