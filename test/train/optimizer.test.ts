import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createEagerEngine } from "../../src/engine/eager/eagerEngine.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { normal, zeros } from "../../src/nn/params.ts";
import { Accumulator } from "../../src/train/accumulator.ts";
import { adamwSchema, learningRate } from "../../src/train/adamw.ts";
import { FlatLayout } from "../../src/train/flatState.ts";
import { Optimizer, type OptimizerBuffers } from "../../src/train/optimizer.ts";
import { StateBuffer } from "../../src/train/stateBuffer.ts";

interface Golden {
  start: { weight: number[][]; bias: number[] };
  steps: {
    grads: { weight: number[][]; bias: number[] };
    norm: number;
    weight: number[][];
    bias: number[];
    emaWeight: number[][];
    emaBias: number[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL("../goldens/adamw.json", import.meta.url), "utf8")) as Golden;

const layout = new FlatLayout([
  { path: "bias", shape: [4], init: zeros },
  { path: "weight", shape: [3, 4], init: normal(1) },
]);

function write(buffer: Float32Array, values: { weight: number[][]; bias: number[] }): void {
  const views = layout.views(buffer);
  views.weight?.data.set(values.weight.flat());
  views.bias?.data.set(values.bias);
}

function assertClose(buffer: Float32Array, weight: number[][], bias: number[], what: string): void {
  const views = layout.views(buffer);
  const got = [...(views.weight?.data ?? []), ...(views.bias?.data ?? [])];
  [...weight.flat(), ...bias].forEach((expected, i) => {
    assert.ok(Math.abs((got[i] as number) - expected) < 2e-6 * Math.max(1, Math.abs(expected)), `${what} ${i}`);
  });
}

const names = ["params", "moment1", "moment2", "ema", "grad"] as const;
type Memory = Record<(typeof names)[number], Float32Array>;

function allocateBuffers(): Memory {
  return Object.fromEntries(names.map((name) => [name, layout.allocate()])) as Memory;
}

/** State buffers over the given memory, which they share. */
async function place(engine: Engine, memory: Memory): Promise<OptimizerBuffers> {
  const placed = names.map(async (name) => [name, await StateBuffer.place(engine, layout, memory[name])]);
  return Object.fromEntries(await Promise.all(placed)) as OptimizerBuffers;
}

describe("optimizer", () => {
  let engine: Engine;
  before(async () => {
    engine = await createEagerEngine("cpu");
  });
  after(() => engine.dispose());

  it("makes PyTorch's AdamW steps, clipping and EMA included", async () => {
    const cfg = adamwSchema.parse({ lr: 0.01, weightDecay: 0.1, warmupSteps: 0, schedule: "constant" });
    const buffers = allocateBuffers();
    write(buffers.params, golden.start);
    buffers.ema.set(buffers.params);
    const optimizer = await Optimizer.create(engine, cfg, layout, await place(engine, buffers), 5);
    for (const [i, step] of golden.steps.entries()) {
      write(buffers.grad, step.grads);
      const report = await optimizer.update(i + 1);
      assert.ok(Math.abs(report.gradNorm - step.norm) < 1e-5 * step.norm);
      assertClose(buffers.params, step.weight, step.bias, `params of step ${i + 1}`);
      assertClose(buffers.ema, step.emaWeight, step.emaBias, `ema of step ${i + 1}`);
    }
  });

  it("changes nothing when a gradient is not finite", async () => {
    const cfg = adamwSchema.parse({});
    const buffers = allocateBuffers();
    write(buffers.params, golden.start);
    const before = buffers.params.slice();
    buffers.grad[2] = Number.NaN;
    const optimizer = await Optimizer.create(engine, cfg, layout, await place(engine, buffers), 5);
    assert.equal((await optimizer.update(1)).applied, false);
    assert.deepEqual(buffers.params, before);
    assert.ok(buffers.moment1.every((x) => x === 0));
  });

  it("averages accumulated gradients", async () => {
    const total = layout.allocate();
    const grad = layout.allocate();
    total.fill(Number.NaN);
    const buffers = [
      await StateBuffer.place(engine, layout, total),
      await StateBuffer.place(engine, layout, grad),
    ] as const;
    const accumulator = await Accumulator.create(engine, layout, ...buffers, 0.5);
    grad.fill(3);
    await accumulator.add(true);
    grad.fill(5);
    await accumulator.add(false);
    assert.ok(total.every((x) => x === 4));
  });
});

describe("learning rate", () => {
  const cfg = adamwSchema.parse({ lr: 1, warmupSteps: 10, minLr: 0.1 });

  it("warms up linearly and ends at minLr", () => {
    assert.equal(learningRate(cfg, 1, 100), 0.1);
    assert.equal(learningRate(cfg, 10, 100), 1);
    assert.ok(Math.abs(learningRate(cfg, 55, 100) - 0.55) < 1e-12);
    assert.ok(Math.abs(learningRate(cfg, 100, 100) - 0.1) < 1e-12);
  });
});
