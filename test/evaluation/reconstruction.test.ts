import assert from "node:assert/strict";
import type { Dataset } from "../../src/data/dataset.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { psnr, reconstruct } from "../../src/evaluation/reconstruction.ts";
import { scratchFolder } from "../data/scratch.ts";
import { randomCodec, smallWorld } from "../train/loopSetting.ts";

describe("psnr", () => {
  it("is 20 log10(255 / root mean square error)", () => {
    const black = new Uint8Array(12);
    assert.ok(Math.abs(psnr(black, new Uint8Array(12).fill(255)) - 0) < 1e-12);
    assert.ok(Math.abs(psnr(black, new Uint8Array(12).fill(1)) - 20 * Math.log10(255)) < 1e-12);
    // Errors of 3 and 4 in two of eight values: a mean square of 25 / 8.
    const few = Uint8Array.of(0, 3, 0, 0, 4, 0, 0, 0);
    assert.ok(Math.abs(psnr(new Uint8Array(8), few) - 20 * Math.log10(255 / Math.sqrt(25 / 8))) < 1e-9);
    assert.equal(psnr(few, few), 100);
  });

  it("refuses clips of different sizes", () => {
    assert.throws(() => psnr(new Uint8Array(3), new Uint8Array(4)), /same size/);
  });
});

describe("reconstruct", () => {
  const folder = scratchFolder();
  let dataset: Dataset;
  before(async () => {
    dataset = await smallWorld(folder());
  });
  after(() => dataset.close());

  it("encodes and decodes each clip at its own size, leaving the dataset's pixels alone", async () => {
    const engine = await createOnnxEngine({ threads: 1 });
    try {
      const codec = randomCodec(engine);
      for await (const { entry, original, decoded, psnr: value } of reconstruct(
        codec,
        dataset,
        dataset.entries.slice(0, 6),
      )) {
        assert.deepEqual(original, await dataset.readFrames(entry.index));
        assert.equal(decoded.length, entry.frames * entry.height * entry.width * 3);
        assert.equal(value, psnr(original, decoded));
        assert.ok(value > 3 && value < 40, `${value} dB of random weights`);
      }
    } finally {
      await engine.dispose();
    }
  });
});
