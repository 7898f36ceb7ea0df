import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../../../src/base/errors.ts";
import { floats } from "../../../src/base/tensors.ts";
import { createEngine } from "../../../src/engine/createEngine.ts";
import type { TensorFn } from "../../../src/engine/engine.ts";
import { engineSchema } from "../../../src/engine/engineConfig.ts";
import { explainFailure } from "../../../src/engine/runtime/deviceFailure.ts";
import { OnnxEngine } from "../../../src/engine/runtime/onnxEngine.ts";
import { cudaEntries, cudaLibrary } from "../../../src/engine/runtime/provider.ts";
import { onWebGpu } from "../adapter.ts";
import { floatSpec } from "./smallModels.ts";

function explained(message: string): string {
  const error = explainFailure("webgpu", new Error(message));
  assert.ok(error instanceof Error);
  return error.message;
}

describe("failures of a device", () => {
  it("are told in one line, with what to try", () => {
    const cases: [said: string, means: RegExp][] = [
      [
        "gradient a: WebGPU device lost (2): A valid external Instance reference no longer exists.",
        /the device was lost/,
      ],
      ["gradient a: CUDA error: unspecified launch failure\n  at x", /the device was lost/],
      [
        "gradient a: [Invalid Buffer (unlabeled)] is invalid due to a previous error.\n - While",
        /memory does not suffice/,
      ],
      ["gradient a: Failed to allocate memory for requested buffer of size 99", /memory does not suffice/],
      ["probe: Program Cast requires f16 but the device does not support it.", /lacks a feature/],
    ];
    for (const [said, means] of cases) {
      const line = explained(said);
      assert.match(line, means);
      assert.match(line, /^engine\.provider webgpu: .*; try /);
      assert.ok(!line.includes("\n"), line);
    }
  });

  it("stay as they are when they are none of these, or on processors", () => {
    const bug = new Error("gradient a: Shape mismatch");
    assert.equal(explainFailure("webgpu", bug), bug);
    const lost = new Error("device lost");
    assert.equal(explainFailure("cpu", lost), lost);
  });
});

onWebGpu("a device without enough memory, or without 16-bit floats", (executor) => {
  it("says so in one line, and computes on", async () => {
    const lasting = Object.create(executor(), { dispose: { value: async () => undefined } });
    const engine = new OnnxEngine(lasting);
    const huge: TensorFn = ({ x }) => ({
      y: tf.sum(
        tf.square(
          tf
            .broadcastTo(x as tf.Tensor, [700_000, 1000])
            .add(x as tf.Tensor)
            .cumsum(1),
        ),
      ),
    });
    const program = await engine.compile("huge", huge, { x: floatSpec(1000) });
    await assert.rejects(program.bind({ x: floats([1000]) }).run(), (error) => {
      assert.ok(error instanceof UserError && !error.message.includes("\n"));
      assert.match(error.message, /^engine\.provider webgpu: the device's memory does not suffice \(huge: .*\); try /);
      return true;
    });
    const small = await engine.compile("small", ({ x }) => ({ y: tf.sum(x as tf.Tensor) }), { x: floatSpec(3) });
    const { outputs, run } = small.bind({ x: floats([3], Float32Array.of(1, 2, 3)) });
    await run();
    assert.equal(outputs.y?.data[0], 6);
  });

  it("refuses precision f16 before anything is trained, where it has none", async () => {
    const cfg = engineSchema.parse({ provider: "webgpu", precision: "f16", threads: 1 });
    const made = await createEngine(cfg).catch((error: unknown) => error);
    if (made instanceof Error) {
      assert.match(
        made.message,
        /^engine\.precision f16: the device lacks a feature that the program needs \(.*f16.*\); try engine\.precision=f32/,
      );
    } else {
      await (made as OnnxEngine).dispose();
    }
  });
});

describe("CUDA", () => {
  it("is told whether products may be coarser", () => {
    assert.equal(cudaEntries({ tf32: true }).use_tf32, "1");
    assert.equal(cudaEntries({ tf32: false }).use_tf32, "0");
  });

  it("says where its library was looked for, and what to set", async () => {
    assert.throws(
      () => cudaLibrary("/nowhere/libcuda.so"),
      /^UserError: engine\.cudaLibrary: expected ONNX Runtime's CUDA provider library, got no file \/nowhere\/libcuda\.so; try /,
    );
    const cfg = engineSchema.parse({ provider: "cuda", threads: 1 });
    await assert.rejects(createEngine(cfg), /engine\.provider cuda: expected .*, got no file .*providers_cuda/);
  });
});
