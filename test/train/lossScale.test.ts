import assert from "node:assert/strict";
import type { Scalar, Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { floats } from "../../src/base/tensors.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { normal, type Params } from "../../src/nn/params.ts";
import { adamwSchema } from "../../src/train/adamw.ts";
import { FlatLayout } from "../../src/train/flatState.ts";
import { LossScale } from "../../src/train/lossScale.ts";
import { StateBuffer } from "../../src/train/stateBuffer.ts";
import { StepRunner } from "../../src/train/step.ts";
import type { Batch } from "../../src/train/task.ts";

describe("loss scale", () => {
  it("halves at each overflow down to 1, and says when it can no more", () => {
    const scale = new LossScale({ scale: 4, goodSteps: 7 });
    assert.deepEqual([scale.note(false), scale.state], [true, { scale: 2, goodSteps: 0 }]);
    assert.deepEqual([scale.note(false), scale.value], [true, 1]);
    assert.deepEqual([scale.note(false), scale.value], [false, 1]);
  });

  it("doubles after 2,000 good steps", () => {
    const scale = new LossScale({ scale: 8, goodSteps: 1998 });
    scale.note(true);
    assert.deepEqual(scale.state, { scale: 8, goodSteps: 1999 });
    scale.note(true);
    assert.deepEqual(scale.state, { scale: 16, goodSteps: 0 });
  });
});

const SHAPE = [4, 4];
const layout = new FlatLayout([{ path: "w", shape: SHAPE, init: normal(1) }]);

/** A batch for the loss: mean of (x w)^2, times `factor`. */
function batchOf(factor: number): Batch {
  const x = floats(
    SHAPE,
    Float32Array.from({ length: 16 }, (_, i) => Math.cos(i)),
  );
  const arrangement = {
    key: `times ${factor}`,
    signature: { x: { shape: SHAPE, dtype: "float32" } },
    loss: (params: Params, batch: Record<string, tf.Tensor>) => {
      const y = tf.matMul(batch.x as Tensor2D, params.tensor<Tensor2D>("w", SHAPE, normal(1)));
      return { loss: tf.mul(tf.mean(tf.square(y)), factor) as Scalar, aux: {} };
    },
  } as const;
  return { arrangement, inputs: { x }, numClips: 1, numTokens: 1, epochs: {}, cursor: null };
}

describe("steps with gradients in 16 bits", () => {
  const engines: Engine[] = [];
  after(async () => {
    for (const engine of engines) await engine.dispose();
  });

  async function runnerOn(precision: "f32" | "f16", lossScale: LossScale | undefined) {
    const engine = await createOnnxEngine({ threads: 1, precision });
    engines.push(engine);
    const params = layout.allocate();
    layout.initialise(params, 5);
    const place = (values?: Float32Array) => StateBuffer.place(engine, layout, values);
    const runner = await StepRunner.create({
      engine,
      layout,
      buffers: { params: await place(params), ema: await place(), moment1: await place(), moment2: await place() },
      optim: adamwSchema.parse({ clipNorm: 1e9 }),
      numSteps: 100,
      numParts: 1,
      lossScale,
      onCompiled: () => {},
    });
    return { runner, params };
  }

  it("report the loss and the gradient's norm unscaled, near those of 32 bits", async () => {
    const exact = await (await runnerOn("f32", undefined)).runner.step(1, [batchOf(1)]);
    const scaled = await (await runnerOn("f16", new LossScale())).runner.step(1, [batchOf(1)]);
    assert.equal(scaled.applied, true);
    for (const figure of ["loss", "gradNorm"] as const) {
      const error = Math.abs(scaled[figure] - exact[figure]) / exact[figure];
      assert.ok(error > 0 && error < 2e-3, `${figure}: ${error}`);
    }
  });

  it("keep gradients that 16 bits alone would lose", async () => {
    const tiny = batchOf(1e-8);
    const exact = await (await runnerOn("f32", undefined)).runner.step(1, [tiny]);
    const lost = await (await runnerOn("f16", new LossScale({ scale: 1, goodSteps: 0 }))).runner.step(1, [tiny]);
    const kept = await (await runnerOn("f16", new LossScale())).runner.step(1, [tiny]);
    assert.ok(Math.abs(lost.gradNorm - exact.gradNorm) > 0.2 * exact.gradNorm);
    assert.ok(Math.abs(kept.gradNorm - exact.gradNorm) < 5e-3 * exact.gradNorm);
  });

  it("are left out while a gradient overflows, each halving the scale, until it fits", async () => {
    const lossScale = new LossScale();
    const { runner, params } = await runnerOn("f16", lossScale);
    const start = params.slice();
    const large = batchOf(60);
    const reports = [];
    for (let step = 1; step <= 12; step++) {
      const report = await runner.step(step, [large]);
      reports.push(report);
      if (report.applied) break;
      assert.equal(report.overflowed, true);
      assert.equal(lossScale.value, 2 ** (16 - step));
      assert.deepEqual(params, start);
    }
    assert.ok(reports.length > 1 && reports.at(-1)?.applied);
    assert.notDeepEqual(params, start);
  });
});
