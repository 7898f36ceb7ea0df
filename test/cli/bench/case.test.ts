import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { floats, sizeOf } from "../../../src/base/tensors.ts";
import { type BenchCase, type BenchMode, measure } from "../../../src/cli/bench/case.ts";
import { ditB, ditS, ditXl } from "../../../src/cli/bench/dit.ts";
import { vaeS } from "../../../src/cli/bench/vaeS.ts";
import { type ProgramSource, traceProgram } from "../../../src/engine/compile.ts";
import { createEngine } from "../../../src/engine/createEngine.ts";
import { engineSchema } from "../../../src/engine/engineConfig.ts";
import type { Executor } from "../../../src/engine/runtime/executor.ts";
import { OnnxEngine } from "../../../src/engine/runtime/onnxEngine.ts";
import { onWebGpu } from "../../engine/adapter.ts";

const spec = { shape: [256, 256], dtype: "float32" } as const;

/** A product of a matrix with itself; counts its runs. */
class ProductCase implements BenchCase {
  readonly describe = { train: "a product", forward: "a product" };
  numRuns = 0;

  source(): ProgramSource {
    return {
      name: "product large",
      fn: ({ x }) => ({ y: tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D) }),
      signature: { x: spec },
    };
  }

  async prepare(engine: Parameters<BenchCase["prepare"]>[0]) {
    const { name, fn, signature } = this.source();
    const program = await engine.compile(name, fn, signature);
    const binding = program.bind({ x: floats([256, 256]) });
    return async () => {
      this.numRuns++;
      await binding.run();
    };
  }
}

describe("engine bench", () => {
  it("measures a case, counts its work and tells its time apart", async () => {
    const product = new ProductCase();
    const engine = await createEngine(engineSchema.parse({ threads: 1, cache: false }));
    const result = await measure("product", product, engine, 5);
    await engine.dispose();
    assert.equal(product.numRuns, 3 + 5);
    const { case: name, mode, engine: kind, description, transfers, deviceMb } = result;
    assert.deepEqual(
      { name, mode, kind, description, transfers, deviceMb },
      {
        name: "product",
        mode: "train",
        kind: "onnx",
        description: "onnx on cpu, f32",
        transfers: null,
        deviceMb: null,
      },
    );
    assert.ok(result.compileMs > 0 && result.peakRssMb > 50 && result.msPerStep >= 0);
    assert.deepEqual(Object.keys(result.partsMs), ["product", "rest"]);
  });

  const sizes: [name: string, bench: BenchCase, tokens: number, width: number, depth: number, millions: number][] = [
    ["dit-s", ditS, 1024, 384, 6, 16.55],
    ["dit-b", ditB, 2048, 768, 12, 129.6],
    ["dit-xl", ditXl, 4096, 1152, 28, 674],
  ];
  for (const [name, bench, tokens, width, depth, millions] of sizes) {
    it(`has a ${name} of the size that it says`, () => {
      const linears = tokens * (4 * width * width + 8 * width * width);
      const attention = 2 * tokens * (tokens / 4) * width;
      const forward = 2 * (depth * (linears + attention) + 2 * tokens * width * 64);
      for (const [mode, passes] of [["train", 3] as const, ["forward", 1] as const]) {
        const { flops, numFloats } = sizeOfProgram(bench, mode);
        assertCounts(flops, passes * forward);
        assert.ok(Math.abs(numFloats / 1e6 - millions) < 0.005 * millions, `${numFloats}`);
      }
      assert.match(
        bench.describe.train,
        new RegExp(`width ${width}, .*depth ${depth}, 4 clips of ${tokens / 4} tokens`),
      );
    });
  }

  it("has a vae-s of the size that it says", () => {
    const forward = 2 * 8 * 64 * 64 * (27 * (32 * 64 + 3 * 64 * 64) + 32 * 64);
    assertCounts(sizeOfProgram(vaeS, "train").flops, 3 * forward);
    assertCounts(sizeOfProgram(vaeS, "forward").flops, forward);
  });
});

onWebGpu("engine bench", (executor) => {
  it("tells of copies and of the device's memory", async () => {
    const lasting = Object.create(executor(), { dispose: { value: async () => undefined } }) as Executor;
    const { transfers, deviceMb, partsMs } = await measure("product", new ProductCase(), new OnnxEngine(lasting), 2);
    const bytes = 4 * sizeOf(spec.shape);
    assert.deepEqual(transfers, { uploads: 1, uploadedBytes: bytes, downloads: 1, downloadedBytes: bytes });
    assert.equal(deviceMb?.tensors, 0.5);
    assert.deepEqual(Object.keys(partsMs), ["product", "of which batch in", "rest"]);
  });
});

/** Conditioning, and sums that are computed as products, come on top of the products of the model itself. */
function assertCounts(flops: number, products: number): void {
  assert.ok(flops > 0.99 * products && flops < 1.05 * products, `${flops / 1e9} GFLOP, not ${products / 1e9}`);
}

/** Work of a case's program, and the numbers of its learned tensors, found without computing anything. */
function sizeOfProgram(bench: BenchCase, mode: BenchMode): { flops: number; numFloats: number } {
  const { name, fn, signature } = bench.source(mode);
  const { inputs, flops } = traceProgram(name, fn, signature);
  const learned = Object.entries(inputs).filter(([key]) => key.startsWith("param/"));
  return { flops, numFloats: learned.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0) };
}
