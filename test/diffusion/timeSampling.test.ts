import assert from "node:assert/strict";
import { KeyedRandom } from "../../src/base/random.ts";
import { drawTime, timeSamplingSchema } from "../../src/diffusion/timeSampling.ts";

describe("training times", () => {
  it("have logits of the given mean and deviation, moved by the logarithm of the shift", () => {
    const cfg = timeSamplingSchema.parse({ mean: -0.3, std: 0.8, shift: { kind: "fixed", value: 3 } });
    const random = new KeyedRandom(1, "times");
    const logits = Array.from({ length: 20_000 }, () => {
      const t = drawTime(cfg, 100, random);
      return Math.log(t / (1 - t));
    });
    const mean = logits.reduce((a, b) => a + b, 0) / logits.length;
    const std = Math.sqrt(logits.reduce((sum, logit) => sum + (logit - mean) ** 2, 0) / logits.length);
    assert.ok(Math.abs(mean - (-0.3 + Math.log(3))) < 0.025, `mean ${mean}`);
    assert.ok(Math.abs(std - 0.8) < 0.02, `std ${std}`);
  });
});
