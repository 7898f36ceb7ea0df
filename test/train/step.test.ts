import assert from "node:assert/strict";
import type { Scalar, Tensor1D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { floats } from "../../src/base/tensors.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { normal, type Params } from "../../src/nn/params.ts";
import { adamwSchema } from "../../src/train/adamw.ts";
import { FlatLayout } from "../../src/train/flatState.ts";
import { StateBuffer } from "../../src/train/stateBuffer.ts";
import { StepRunner } from "../../src/train/step.ts";
import type { Batch } from "../../src/train/task.ts";

const WIDTH = 5;
const layout = new FlatLayout([{ path: "w", shape: [WIDTH], init: normal(1) }]);

interface Row {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** A batch of one row for the loss mean((w x - y)^2), in an arrangement of its own. */
function batchOf(key: string, { x, y }: Row): Batch {
  const inputs = { x: floats([WIDTH], Float32Array.from(x)), y: floats([WIDTH], Float32Array.from(y)) };
  const arrangement = {
    key,
    signature: { x: { shape: [WIDTH], dtype: "float32" }, y: { shape: [WIDTH], dtype: "float32" } },
    loss: (params: Params, batch: Record<string, tf.Tensor>) => {
      const w = params.tensor<Tensor1D>("w", [WIDTH], normal(1));
      const errors = tf.sub(tf.mul(w, batch.x as Tensor1D), batch.y as Tensor1D);
      return { loss: tf.mean(tf.square(errors)) as Scalar, aux: { worst: tf.max(tf.abs(errors)) } };
    },
  } as const;
  return { arrangement, inputs, numClips: 1, numTokens: 1, cursor: null, epochs: {} };
}

/** The same by hand, in double precision. */
function byHand(w: ArrayLike<number>, { x, y }: Row) {
  const errors = x.map((value, i) => (w[i] as number) * value - (y[i] as number));
  return {
    loss: errors.reduce((sum, error) => sum + error ** 2, 0) / WIDTH,
    worst: Math.max(...errors.map(Math.abs)),
    grad: errors.map((error, i) => (2 * error * (x[i] as number)) / WIDTH),
  };
}

describe("StepRunner", () => {
  let engine: Engine;
  before(async () => {
    engine = await createOnnxEngine({ threads: 1 });
  });
  after(() => engine.dispose());

  async function oneStep(batches: readonly Batch[], numLanes = 1) {
    const params = layout.allocate();
    layout.initialise(params, 1);
    const start = params.slice();
    const moment1 = layout.allocate();
    const place = (values?: Float32Array) => StateBuffer.place(engine, layout, values);
    const buffers = {
      params: await place(params),
      ema: await place(),
      moment1: await place(moment1),
      moment2: await place(),
    };
    const compiled: string[] = [];
    const runner = await StepRunner.create({
      engine,
      layout,
      buffers,
      optim: adamwSchema.parse({ clipNorm: 1e6 }),
      numSteps: 10,
      numParts: batches.length,
      numLanes,
      onCompiled: ({ key }) => {
        compiled.push(key);
      },
    });
    return { report: await runner.step(1, batches), start, params, moment1, compiled };
  }

  const rows: readonly Row[] = [
    { x: [0.5, -1, 2, 0.25, 3], y: [1, 1, -1, 0, 2] },
    { x: [-2, 0.75, 1, 4, -0.5], y: [0, 3, 1, -2, 1] },
    { x: [1, 1, -3, 0.5, 2], y: [2, -1, 0, 0, 0.5] },
  ];

  for (const keys of [["one"], ["one", "one"], ["one", "other", "one"]]) {
    it(`updates by the mean gradient of ${keys.length} batches of ${new Set(keys).size} arrangements`, async () => {
      const batches = keys.map((key, i) => batchOf(key, rows[i] as Row));
      const { report, start, moment1, compiled } = await oneStep(batches);
      const each = keys.map((_, i) => byHand(start, rows[i] as Row));
      const mean = (of: (part: (typeof each)[number]) => number) =>
        each.reduce((sum, part) => sum + of(part), 0) / each.length;
      const grad = Array.from({ length: WIDTH }, (_, i) => mean((part) => part.grad[i] as number));

      assertClose(
        report.loss,
        mean(({ loss }) => loss),
      );
      assertClose(
        report.aux.worst as number,
        mean(({ worst }) => worst),
      );
      assertClose(report.gradNorm, Math.hypot(...grad));
      // The first moment of a first step points where the gradient does; how long it is kept is the optimizer's matter.
      const moment = Array.from(moment1.subarray(0, WIDTH));
      for (const [i, value] of grad.entries()) {
        assertClose((moment[i] as number) / Math.hypot(...moment), value / Math.hypot(...grad));
      }
      assert.deepEqual(compiled, [...new Set(keys)]);
    });
  }

  it("changes no bit when it computes several batches at once, of one arrangement or two", async () => {
    const batches = ["one", "other", "one"].map((key, i) => batchOf(key, rows[i] as Row));
    const one = await oneStep(batches);
    for (const numLanes of [2, 3, 5]) {
      const several = await oneStep(batches, numLanes);
      assert.deepEqual(several.params, one.params);
      assert.deepEqual(several.moment1, one.moment1);
      assert.equal(several.report.loss, one.report.loss);
    }
  });

  it("leaves a step out whose loss is not finite, though its gradient is", async () => {
    const { arrangement, ...batch } = batchOf("one", rows[0] as Row);
    const tooLarge = (params: Params, inputs: Record<string, tf.Tensor>) => {
      const { loss, aux } = arrangement.loss(params, inputs);
      return { loss: tf.add(loss, tf.mul(tf.sum(inputs.x as Tensor1D), Number.MAX_VALUE)) as Scalar, aux };
    };
    const { report, start, params } = await oneStep([{ ...batch, arrangement: { ...arrangement, loss: tooLarge } }]);
    assert.equal(Number.isFinite(report.loss), false);
    assert.ok(Number.isFinite(report.gradNorm));
    assert.equal(report.applied, false);
    assert.deepEqual(params, start);
  });

  it("refuses a batch of another size than its arrangement", async () => {
    const batch = batchOf("one", rows[0] as Row);
    const short = { ...batch.inputs, y: floats([WIDTH - 1]) };
    await assert.rejects(oneStep([{ ...batch, inputs: short }]), /batch has y with 5 values/);
  });
});

function assertClose(got: number, expected: number): void {
  assert.ok(Math.abs(got - expected) <= 1e-6 * Math.max(1, Math.abs(expected)), `${got}, expected ${expected}`);
}
