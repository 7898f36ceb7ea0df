import assert from "node:assert/strict";
import path from "node:path";
import * as tf from "@tensorflow/tfjs";
import { loadRecipe } from "../../src/config/recipe.ts";
import { type GuidanceConfig, guidanceSchema, scaleAt } from "../../src/diffusion/guidance.ts";
import { guide } from "../../src/diffusion/guide.ts";
import { PackPlan } from "../../src/models/patches/pack.ts";
import { withFiles } from "../config/sample.ts";
import { type GoldenTensor, goldenTensor, readGolden } from "../goldens/golden.ts";
import { assertClose, randomTensor } from "../nn/numeric.ts";

/** Two clips of four tokens of three values, as in the golden. */
const plan = new PackPlan([
  { t: 2, h: 1, w: 2 },
  { t: 2, h: 1, w: 2 },
]);
const TIME = 0.4;

function call(cfg: GuidanceConfig, x: tf.Tensor, c: tf.Tensor, u: tf.Tensor, trend?: tf.Tensor2D, scales?: number[]) {
  const rows = (values: tf.Tensor) => tf.reshape(values, [8, 3]) as tf.Tensor2D;
  const t_F = tf.tensor1d([TIME, TIME, TIME, TIME]);
  const scale_F = tf.tensor1d(scales ?? [cfg.scale, cfg.scale, cfg.scale, cfg.scale]);
  return guide(cfg, plan, plan.open(), {
    x_LP: rows(x),
    conditional_LP: rows(c),
    unconditional_LP: rows(u),
    t_F,
    scale_F,
    trend_LP: trend,
  });
}

describe("guidance", () => {
  const x = randomTensor("point", [8, 3]);
  const c = randomTensor("conditional", [8, 3], 2);
  const u = randomTensor("unconditional", [8, 3]);
  const cfg = (keys: object) => guidanceSchema.parse(keys);

  it("goes from the unconditional through the conditional", () => {
    assertClose(call(cfg({ scale: 0 }), x, c, u).v_LP, u, 1e-6);
    assertClose(call(cfg({ scale: 4 }), x, c, u).v_LP, c.mul(4).sub(u.mul(3)), 1e-6);
    const mixed = call(cfg({ scale: 4, rescale: 1 }), x, c, u, undefined, [4, 4, 1, 1]).v_LP;
    assert.deepEqual(mixed.slice([4, 0]).arraySync(), c.slice([4, 0]).arraySync());
  });

  interface Golden extends Record<"scale" | "rescale" | "momentum" | "parallel" | "limit", number> {
    readonly conditional: GoldenTensor;
    readonly unconditional: GoldenTensor;
    readonly rescaled: GoldenTensor;
    readonly projected: GoldenTensor;
  }
  const golden = readGolden<Golden>("guidance");
  const step = (of: GoldenTensor, i: number) => tf.reshape(goldenTensor(of).slice(i, 1), [8, 3]);

  it("rescales every clip to the conditional's deviation as diffusers does", () => {
    const rescaled = cfg({ scale: golden.scale, rescale: golden.rescale });
    for (const i of [0, 1, 2]) {
      const { v_LP } = call(rescaled, x, step(golden.conditional, i), step(golden.unconditional, i));
      assertClose(v_LP, step(golden.rescaled, i), 1e-5);
    }
  });

  it("projects clean predictions with momentum, limit and share as diffusers does", () => {
    const { scale, parallel, momentum, limit } = golden;
    // Published limits are of a whole clip's length, ours of its root mean square: 12 values here.
    const apg = cfg({ kind: "apg", scale, parallel, momentum, limit: limit / Math.sqrt(12) });
    const velocityOf = (clean: tf.Tensor) => x.sub(clean).div(TIME);
    let trend: tf.Tensor2D = tf.zeros([8, 3]);
    for (const i of [0, 1, 2]) {
      const [with_, without] = [golden.conditional, golden.unconditional].map((each) => velocityOf(step(each, i)));
      const { v_LP, trend_LP } = call(apg, x, with_ as tf.Tensor, without as tf.Tensor, trend);
      assertClose(x.sub(v_LP.mul(TIME)), step(golden.projected, i), 1e-4, `step ${i}`);
      trend = trend_LP as tf.Tensor2D;
    }
  });

  it("projected with all of the parallel share, no momentum and no limit is classifier-free guidance", () => {
    const { v_LP } = call(cfg({ kind: "apg", scale: 3, parallel: 1, momentum: 0, limit: 1e9 }), x, c, u);
    assertClose(v_LP, c.mul(3).sub(u.mul(2)), 1e-5);
  });

  it("keeps to its interval of times", () => {
    const inside = cfg({ scale: 3, interval: [0.2, 0.8] });
    assert.deepEqual(
      [0.1, 0.2, 0.8, 0.9].map((time) => scaleAt(inside, time)),
      [1, 3, 3, 1],
    );
  });

  it("refuses keys that do nothing", () => {
    const load = (text: string) =>
      withFiles({ "g.yaml": text }, (dir) => loadRecipe(path.join(dir, "g.yaml"), [], guidanceSchema));
    assert.equal(load("scale: 2").value.kind, "cfg");
    for (const [text, expected] of [
      ["scale: 1\nrescale: 0.5", /rescale: has no effect: scale 1 is no guidance/],
      ["kind: apg\nscale: 1\nmomentum: 0.1", /momentum: has no effect: scale 1 is no guidance/],
      ["scale: 1\nnegative: dull", /negative: has no effect/],
      ["momentum: 0.5", /momentum/],
      ["interval: [0.8, 0.2]", /expected a smaller time, then a larger one/],
    ] as const) {
      assert.throws(() => load(text), expected);
    }
  });
});
