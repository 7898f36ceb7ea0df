import assert from "node:assert/strict";
import { normaliseLatents, partlyWhitened } from "../../../src/models/vae/latents.ts";

describe("partlyWhitened", () => {
  const stats = { mean: [1, -2], std: [4, 0.25] };

  it("is the full statistics at 1, and one common scale at 0", () => {
    assert.deepEqual(partlyWhitened(stats, 1), stats);
    const [first, second] = partlyWhitened(stats, 0).std as [number, number];
    assert.equal(first, second);
  });

  it("keeps a mean square of 1 over the channels, and the order of their variances", () => {
    for (const whitening of [0, 0.3, 0.5, 1]) {
      const { std } = partlyWhitened(stats, whitening);
      const [a, b] = std.map((scale, i) => (stats.std[i] as number) / scale) as [number, number];
      assert.ok(Math.abs((a * a + b * b) / 2 - 1) < 1e-12);
      assert.ok(a >= b);
    }
    // By hand: 0.5 leaves sqrt(4) and sqrt(0.25) over sqrt of their mean square 2.125.
    const latent = normaliseLatents(Float32Array.of(5, -1.75), partlyWhitened(stats, 0.5));
    assert.ok(Math.abs((latent[0] as number) - 2 / Math.sqrt(2.125)) < 1e-6);
    assert.ok(Math.abs((latent[1] as number) - 0.5 / Math.sqrt(2.125)) < 1e-6);
  });
});
