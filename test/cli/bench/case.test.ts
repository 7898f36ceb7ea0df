import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { floats } from "../../../src/base/tensors.ts";
import { type BenchCase, measure } from "../../../src/cli/bench/case.ts";
import { ditS } from "../../../src/cli/bench/ditS.ts";
import { vaeS } from "../../../src/cli/bench/vaeS.ts";
import { traceProgram } from "../../../src/engine/compile.ts";
import { createEngine } from "../../../src/engine/createEngine.ts";
import type { Engine, Program } from "../../../src/engine/engine.ts";
import { engineSchema } from "../../../src/engine/engineConfig.ts";
import { hostMemory } from "../../../src/engine/runtime/hostBuffers.ts";

describe("engine bench", () => {
  it("measures a case and counts its work", async () => {
    let numRuns = 0;
    const spec = { shape: [64, 64], dtype: "float32" } as const;
    const product: BenchCase = {
      describe: "a product",
      async prepare(engine) {
        const program = await engine.compile(
          "product",
          ({ x }) => ({ y: tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D) }),
          {
            x: spec,
          },
        );
        const binding = program.bind({ x: floats([64, 64]) });
        return async () => {
          numRuns++;
          await binding.run();
        };
      },
    };
    const engine = await createEngine(engineSchema.parse({ threads: 1, cache: false }));
    const result = await measure("product", product, engine, 5);
    await engine.dispose();
    assert.equal(numRuns, 3 + 5);
    assert.deepEqual(Object.keys(result), ["case", "engine", "msPerStep", "gflops", "peakRssMb", "compileMs"]);
    assert.equal(result.case, "product");
    assert.equal(result.engine, "onnx");
    assert.ok(result.compileMs > 0 && result.peakRssMb > 50 && result.msPerStep >= 0);
  });

  it("has a dit-s of the size that it says", async () => {
    const { flops, numFloats } = await largestProgram(ditS);
    const [tokens, width, depth, clip] = [1024, 384, 6, 256];
    const linears = tokens * (4 * width * width + 8 * width * width);
    const attention = 2 * tokens * clip * width;
    const forward = 2 * (depth * (linears + attention) + 2 * tokens * width * 64);
    assertCounts(flops, 3 * forward);
    assert.equal(numFloats, 16_552_384);
  });

  it("has a vae-s of the size that it says", async () => {
    const { flops } = await largestProgram(vaeS);
    const forward = 2 * 8 * 64 * 64 * (27 * (32 * 64 + 3 * 64 * 64) + 32 * 64);
    assertCounts(flops, 3 * forward);
  });
});

/** Conditioning, and sums that are computed as products, come on top of the products of the model itself. */
function assertCounts(flops: number, products: number): void {
  assert.ok(flops > 0.99 * products && flops < 1.04 * products, `${flops / 1e9} GFLOP`);
}

/** Work of a case's largest program, and the numbers of its learned tensors, found without computing anything. */
async function largestProgram(bench: BenchCase): Promise<{ flops: number; numFloats: number }> {
  let largest = { flops: 0, numFloats: 0 };
  const tracing: Engine = {
    ...hostMemory,
    kind: "tracing",
    description: "tracing",
    precision: "f32",
    async compile(name, fn, signature) {
      const { inputs, outputs, flops, digest } = traceProgram(name, fn, signature);
      const learned = Object.entries(inputs).filter(([key]) => key.startsWith("param/"));
      const numFloats = learned.reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);
      if (flops > largest.flops) largest = { flops, numFloats };
      const binding = { outputs: { sum: floats([]), loss: floats([]) }, run: async () => {}, dispose: () => {} };
      const program: Program = {
        name,
        inputs,
        outputs,
        flops,
        digest,
        compileMs: 0,
        cached: false,
        fallbacks: [],
        bind: () => binding,
        dispose: async () => {},
      };
      return program;
    },
    dispose: async () => {},
  };
  const step = await bench.prepare(tracing);
  await step();
  return largest;
}
