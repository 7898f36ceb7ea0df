import assert from "node:assert/strict";
import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { floats, type HostTensor, ints } from "../../../src/base/tensors.ts";
import { traceProgram } from "../../../src/engine/compile.ts";
import type { TensorFn } from "../../../src/engine/engine.ts";
import { encodeOnnx } from "../../../src/engine/onnx/encode.ts";
import { lowerToOnnx } from "../../../src/engine/onnx/lower.ts";
import type { Executor, Session } from "../../../src/engine/runtime/executor.ts";
import { OnnxEngine } from "../../../src/engine/runtime/onnxEngine.ts";
import { onWebGpu } from "../adapter.ts";
import {
  assertClose,
  boolIn,
  fill,
  floatIn,
  gradientsOf,
  intIn,
  type Recipes,
  runCompiled,
  runEagerly,
} from "../differential.ts";
import { LAYER_CASES } from "../ops/layerCases.ts";
import { KERNEL_CASES } from "../trace/kernelCases.ts";
import { boolSpec, floatSpec, smallModel } from "./smallModels.ts";

const TOLERANCE = 1e-4;

interface Case {
  readonly inputs: Recipes;
  readonly fn: TensorFn;
  readonly smooth?: boolean;
}

/** What models do to whole numbers, bools and angles, beyond the cases of every engine. */
const FURTHER: Readonly<Record<string, readonly Case[]>> = {
  "whole numbers": [
    {
      inputs: { x: intIn([4, 6], -5, 5) },
      fn: ({ x }) => ({ a: tf.abs(x as Tensor), n: tf.neg(x as Tensor), s: tf.sign(x as Tensor) }),
      smooth: false,
    },
    {
      inputs: { x: intIn([4, 6], -5, 5) },
      fn: ({ x }) => ({ y: tf.slice(x as Tensor, [1, 2], [2, 3]), z: tf.reverse(x as Tensor, 1) }),
      smooth: false,
    },
  ],
  bools: [
    {
      inputs: { x: boolIn([3, 4]), y: boolIn([3, 4]) },
      fn: ({ x, y }) => ({
        joined: tf.concat([x as Tensor, y as Tensor], 1),
        turned: tf.transpose(x as Tensor),
        cut: tf.slice(x as Tensor, [0, 1], [2, 2]),
        same: tf.equal(x as Tensor, y as Tensor),
        one: tf.logicalXor(x as Tensor, y as Tensor),
      }),
      smooth: false,
    },
  ],
  "large angles": [
    { inputs: { x: floatIn([400], -900, 900) }, fn: ({ x }) => ({ s: tf.sin(x as Tensor), c: tf.cos(x as Tensor) }) },
  ],
};

onWebGpu("every kernel and layer, forward and gradient, without a node on the processors", (executor) => {
  before(() => tf.setBackend("cpu"));
  for (const [name, cases] of Object.entries<readonly Case[]>({ ...KERNEL_CASES, ...LAYER_CASES, ...FURTHER })) {
    it(name, async () => {
      for (const [index, { fn, inputs, smooth = true }] of cases.entries()) {
        const given = fill(inputs, 1000 + index);
        for (const what of smooth ? [fn, gradientsOf(fn, inputs)] : [fn]) {
          assertClose(await runCompiled(strict(executor()), what, given), runEagerly(what, given), TOLERANCE);
        }
      }
    });
  }
});

/** The same executor, which fails where nodes would run on the processors. */
function strict(executor: Executor): Executor {
  const open: Executor["open"] = async (...args) => {
    const session = await executor.open(...args);
    assert.deepEqual(session.fallbacks, []);
    return session;
  };
  return Object.assign(Object.create(executor) as Executor, { open });
}

onWebGpu("tensors on the device", (executor) => {
  const step: TensorFn = ({ state, x }) => ({
    next: tf.add(tf.mul(state as Tensor, 0.5), x as Tensor),
    sum: tf.sum(x as Tensor),
  });
  const signature = { state: floatSpec(100, 30), x: floatSpec(30) };

  it("stay there from run to run; only host tensors are copied, and counted", async () => {
    const engine = new OnnxEngine(
      Object.create(executor(), { dispose: { value: async () => undefined } }) as Executor,
      {
        strict: true,
      },
    );
    const values = Float32Array.from({ length: 3000 }, (_, i) => Math.sin(i));
    const placed = await engine.place({ state: floats([100, 30], values) });
    const program = await engine.compile("step", step, signature);
    const x = floats([30]);
    const binding = program.bind({ ...placed, x }, { next: placed.state as HostTensor });
    assert.deepEqual(Object.keys(binding.outputs), ["sum"]);
    const before = engine.transfers;
    const expected = values.slice();
    for (let run = 1; run <= 3; run++) {
      x.data.fill(run);
      await binding.run();
      assert.ok(Math.abs((binding.outputs.sum?.data[0] ?? 0) - 30 * run) < 1e-3);
      expected.forEach((value, i) => {
        expected[i] = 0.5 * value + run;
      });
    }
    const { uploads, uploadedBytes, downloads, downloadedBytes } = engine.transfers;
    assert.deepEqual(
      [
        uploads - before.uploads,
        uploadedBytes - before.uploadedBytes,
        downloads - before.downloads,
        downloadedBytes - before.downloadedBytes,
      ],
      [3, 3 * 120, 3, 3 * 4],
    );
    const { state } = await engine.fetch(placed);
    assertClose({ state: state as HostTensor }, { state: floats([100, 30], expected) }, 1e-6);
    engine.release(placed);
    assert.throws(
      () => program.bind({ ...placed, x }),
      /step: a tensor is not, or no longer, in this engine's webgpu memory/,
    );
    await program.dispose();
  });

  it("carry every dtype, scalars and empty tensors there and back", async () => {
    const { memory } = executor();
    const tensors = {
      f: floats([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
      i: ints([], Int32Array.of(-7)),
      b: { shape: [5], dtype: "bool", data: Uint8Array.of(1, 0, 1, 1, 0) },
      none: floats([0, 4]),
    } as const;
    const placed = await memory.place(tensors);
    assert.deepEqual(await memory.fetch(placed), tensors);
    memory.release(placed);
  });

  it("run one after the other, in the order of asking, whoever asks", async () => {
    const model = smallModel(
      [{ op: "Add", inputs: ["x", "y"], outputs: ["z"] }],
      { x: floatSpec(3), y: floatSpec(3) },
      { z: floatSpec(3) },
    );
    const sessions = await Promise.all([executor().open(model), executor().open(model)]);
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const z = floats([3]);
        const [x, y] = [floats([3], Float32Array.of(i, i, i)), floats([3], Float32Array.of(1, 2, 3))];
        await sessions[i % 2]?.bind({ x, y }, { z }).run();
        return [...z.data];
      }),
    );
    results.forEach((got, i) => {
      assert.deepEqual(got, [i + 1, i + 2, i + 3]);
    });
    await Promise.all(sessions.map((session) => session.dispose()));
  });
});

onWebGpu("nodes that the device cannot compute", (executor) => {
  const model = () =>
    smallModel(
      [
        { op: "Neg", inputs: ["x"], outputs: ["n"] },
        { op: "IsNaN", inputs: ["n"], outputs: ["odd"] },
        { op: "Sign", inputs: ["x"], outputs: ["s"] },
        { op: "Add", inputs: ["s", "x"], outputs: ["y"] },
      ],
      { x: floatSpec(3) },
      { odd: boolSpec(3), y: floatSpec(3) },
    );

  it("run on the processors and are told of", async () => {
    const session: Session = await executor().open(model());
    assert.deepEqual(session.fallbacks.map(({ op }) => op).sort(), ["IsNaN", "Sign"]);
    const x = floats([3]);
    const [odd, y] = [{ shape: [3], dtype: "bool", data: new Uint8Array(3) } as const, floats([3])];
    const run = session.bind({ x }, { odd, y });
    for (const values of [
      [1, -2, 0],
      [Number.NaN, 5, -5],
    ]) {
      x.data.set(values);
      await run.run();
      assert.deepEqual(
        [...odd.data],
        values.map((value) => Number(Number.isNaN(value))),
      );
      assert.deepEqual([...y.data].slice(1), values.map((value) => value + Math.sign(value)).slice(1));
    }
    await session.dispose();
  });

  it("are refused by a strict engine, which says how many of what", async () => {
    const executorOfFused = Object.create(executor(), {
      provider: { value: "cpu" },
      dispose: { value: async () => undefined },
    });
    const engine = new OnnxEngine(executorOfFused as Executor, { strict: true });
    const product: TensorFn = ({ x }) => ({ y: tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D, true) });
    await assert.rejects(
      engine.compile("product", product, { x: floatSpec(4, 4) }),
      /^UserError: engine\.strict: product: expected every operation on cpu, got 1 on the processors \(1 FusedMatMul\)/,
    );
  });
});

describe("lowering for WebGPU", () => {
  it("writes none of the operators that its provider lacks", () => {
    const program = traceProgram(
      "p",
      ({ a, b }) => ({ y: tf.matMul(a as tf.Tensor3D, b as tf.Tensor3D, true, true) }),
      {
        a: floatSpec(2, 3, 4),
        b: floatSpec(2, 5, 3),
      },
    );
    const ops = (provider: "cpu" | "webgpu") => lowerToOnnx(program.graph, { provider }).nodes.map(({ op }) => op);
    assert.deepEqual(ops("cpu"), ["FusedMatMul"]);
    assert.deepEqual(ops("webgpu"), ["Transpose", "Transpose", "MatMul"]);
    assert.ok(encodeOnnx(lowerToOnnx(program.graph, { provider: "webgpu" })).length > 0);
  });
});
