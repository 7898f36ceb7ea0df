import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { createEagerEngine } from "../../src/engine/eager/eagerEngine.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { normal, zeros } from "../../src/nn/params.ts";
import { adamwSchema } from "../../src/train/adamw.ts";
import { FlatLayout } from "../../src/train/flatState.ts";
import { orthogonalized } from "../../src/train/muon.ts";
import { Optimizer, type OptimizerBuffers, optimizerDigest } from "../../src/train/optimizer.ts";
import { StateBuffer } from "../../src/train/stateBuffer.ts";

type Matrices = Readonly<Record<"wide" | "tall", number[][]>>;
const golden = JSON.parse(readFileSync(new URL("../goldens/muon.json", import.meta.url), "utf8")) as {
  readonly start: Matrices;
  readonly steps: readonly { readonly grads: Matrices; readonly params: Matrices }[];
};

const layout = new FlatLayout([
  { path: "embed.weight", shape: [2, 3], init: normal(1) },
  { path: "blocks.0.wide.weight", shape: [3, 5], init: normal(1) },
  { path: "blocks.1.tall.weight", shape: [6, 4], init: normal(1) },
  { path: "blocks.1.tall.bias", shape: [4], init: zeros },
  { path: "blocks.2.wide.weight", shape: [3, 5], init: normal(1) },
  { path: "blocks.3.wide.weight", shape: [3, 5], init: normal(1) },
]);

const names = ["params", "moment1", "moment2", "ema", "grad"] as const;

describe("Muon", () => {
  let engines: Engine[] = [];
  before(async () => {
    engines = [await createEagerEngine("cpu"), await createOnnxEngine({ threads: 1 })];
  });
  after(async () => {
    for (const engine of engines) await engine.dispose();
  });

  it("brings singular values to the published polynomial of what they were, in the same directions", () => {
    const [a, b, c] = [3.4445, -4.775, 2.0315];
    const left = reflection([1, 2, -1]);
    for (const { values, across, iterations, within } of [
      { values: [3, 1, 0.2], across: [2, -1, 1, 3], iterations: 5, within: 2e-5 },
      { values: [3, 1, 0.2], across: [2, -1, 1, 3, 1, -2, 1, 1], iterations: 5, within: 2e-5 },
      // One direction of a wide matrix nearly missing, as in a gradient of low rank.
      { values: [3, 1, 1e-4], across: [2, -1, 1, 3, 1, -2, 1, 1], iterations: 10, within: 2e-2 },
    ]) {
      const norm = Math.hypot(...values);
      const expected = values.map((value) => {
        let s = value / norm;
        for (let i = 0; i < iterations; i++) s = a * s + b * s ** 3 + c * s ** 5;
        return s;
      });
      const right = reflection(across);
      const build = (diagonal: readonly number[]) =>
        left.map((row) =>
          across.map((_, j) => row.reduce((sum, u, k) => sum + u * (diagonal[k] ?? 0) * (right[k]?.[j] ?? 0), 0)),
        );
      for (const turned of [false, true]) {
        const x = tf.tensor2d(build(values));
        const y = orthogonalized(turned ? tf.transpose(x) : x, iterations);
        const got = (turned ? tf.transpose(y) : y).dataSync();
        build(expected)
          .flat()
          .forEach((want, i) => {
            assert.ok(Math.abs((got[i] as number) - want) < within, `${i}: ${got[i]} is not ${want}`);
          });
      }
    }
  });

  it("makes PyTorch's steps on matrices of blocks, on every engine", async () => {
    const settings = { lr: 0.01, weightDecay: 0.1, warmupSteps: 0, schedule: "constant", clipNorm: 1e9, muon: {} };
    for (const [nth, engine] of engines.entries()) {
      const { optimizer, memory, write } = await optimizerOn(engine, settings);
      write("params", golden.start);
      for (const [i, { grads, params }] of golden.steps.entries()) {
        write("grad", grads);
        await optimizer.update(i + 1);
        const views = layout.views(memory.params);
        for (const [path, matrix, sign] of [
          ["blocks.0.wide.weight", params.wide, 1],
          ["blocks.1.tall.weight", params.tall, 1],
          ["blocks.2.wide.weight", params.wide, -1],
          ["blocks.3.wide.weight", params.wide, 0],
        ] as const) {
          matrix.flat().forEach((value, k) => {
            const [got, expected] = [views[path]?.data[k] as number, sign * value];
            assert.ok(Math.abs(got - expected) < 5e-6, `engine ${nth} step ${i + 1} ${path} ${k}: ${got}, ${expected}`);
          });
        }
      }
    }
  });

  it("is told from AdamW and from other iterations in a run's digest", () => {
    const digests = [{}, { muon: {} }, { muon: { iterations: 3 } }, { muon: { momentum: 0.9 } }].map((settings) =>
      optimizerDigest(adamwSchema.parse(settings), 5),
    );
    assert.equal(new Set(digests).size, 4);
  });

  it("leaves other parameters to AdamW, and takes a step of AdamW's size", async () => {
    const [engine] = engines as [Engine];
    const settings = { lr: 0.01, weightDecay: 0, warmupSteps: 0, schedule: "constant", clipNorm: 1e9 };
    const both = [await optimizerOn(engine, settings), await optimizerOn(engine, { ...settings, muon: {} })] as const;
    for (const { optimizer, memory } of both) {
      memory.grad.forEach((_, i) => {
        memory.grad[i] = Math.sin(7 * i + 1);
      });
      await optimizer.update(1);
    }
    const [adamw, muon] = [layout.views(both[0].memory.params), layout.views(both[1].memory.params)];
    for (const path of ["embed.weight", "blocks.1.tall.bias"]) {
      assert.deepEqual(muon[path]?.data, adamw[path]?.data);
      assert.ok(muon[path]?.data.some((x: number) => x !== 0));
    }
    const tall = [...(muon["blocks.1.tall.weight"]?.data ?? [])];
    // Singular values between 0.5 and 1.2: a root mean square of 0.2 lr times that.
    const rms = Math.sqrt(tall.reduce((sum, x) => sum + x * x, 0) / tall.length);
    assert.ok(rms > 0.01 * 0.2 * 0.5 && rms < 0.01 * 0.2 * 1.25, String(rms));
  });
});

async function optimizerOn(engine: Engine, settings: object) {
  const memory = Object.fromEntries(names.map((name) => [name, layout.allocate()])) as Record<
    (typeof names)[number],
    Float32Array
  >;
  const placed = names.map(async (name) => [name, await StateBuffer.place(engine, layout, memory[name])]);
  const buffers = Object.fromEntries(await Promise.all(placed)) as OptimizerBuffers;
  const optimizer = await Optimizer.create(engine, adamwSchema.parse(settings), layout, buffers, 5);
  const write = (to: (typeof names)[number], { wide, tall }: Matrices) => {
    const views = layout.views(memory[to]);
    views["blocks.0.wide.weight"]?.data.set(wide.flat());
    views["blocks.1.tall.weight"]?.data.set(tall.flat());
    // Three of one shape share runs: this one moves the other way, and one that is zero stays so.
    views["blocks.2.wide.weight"]?.data.set(wide.flat().map((value) => -value));
  };
  return { optimizer, memory, write };
}

/** The reflection along a vector: an orthogonal matrix. */
function reflection(v: readonly number[]): number[][] {
  const length = v.reduce((sum, x) => sum + x * x, 0);
  return v.map((x, i) => v.map((y, j) => (i === j ? 1 : 0) - (2 * x * y) / length));
}
