import assert from "node:assert/strict";
import { KeyedRandom } from "../../src/base/random.ts";
import { drawTime, frameTimes, timeSamplingSchema } from "../../src/diffusion/timeSampling.ts";
import { PackPlan } from "../../src/models/patches/pack.ts";
import { RowLayout } from "../../src/models/patches/rowLayout.ts";
import { assertClose } from "../nn/numeric.ts";

const pack = new PackPlan([
  { t: 3, h: 2, w: 2 },
  { t: 1, h: 2, w: 3 },
]);

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

  it("are each frame's clip's, and 0 for known frames", () => {
    assertClose(frameTimes(pack, [0.5, 0.25]), [0.5, 0.5, 0.5, 0.25], 0);
    assertClose(frameTimes(pack, [0.5, 0.25], [1, 0, 0, 0]), [0, 0.5, 0.5, 0.25], 0);
    const rows = new RowLayout({ rows: 2, tokens: 12, frames: 3, clips: 2, stripSize: 2, side: 3 });
    const placed = rows.place([[{ t: 1, h: 2, w: 3 }], [{ t: 3, h: 2, w: 2 }]]);
    assertClose(frameTimes(placed, [0.5, 0.25]), [0.5, 0, 0, 0, 0.25, 0.25, 0.25, 0], 0);
  });
});
