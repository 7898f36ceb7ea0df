import assert from "node:assert/strict";
import path from "node:path";
import { loadRecipe } from "../../src/config/recipe.ts";
import { numStepsOf, samplerSchema, timesOf } from "../../src/diffusion/sampler.ts";
import { shiftOf, shiftSchema, shiftTime } from "../../src/diffusion/shift.ts";
import { withFiles } from "../config/sample.ts";
import { readGolden } from "../goldens/golden.ts";

const load = (text: string) =>
  withFiles({ "s.yaml": text }, (dir) => loadRecipe(path.join(dir, "s.yaml"), [], samplerSchema));
const times = (sampler: object, numTokens = 256) => timesOf(samplerSchema.parse(sampler), numTokens);

describe("step schedules", () => {
  it("are linear, or moved towards noise by the size of a clip", () => {
    assert.deepEqual(times({ steps: 4, shift: { kind: "none" } }), [1, 0.75, 0.5, 0.25, 0]);
    assert.deepEqual(times({ steps: 2, shift: { kind: "fixed", value: 3 } }), [1, 0.75, 0]);
    const a = Math.exp(1.15);
    assert.deepEqual(times({ steps: 2 }, 4096), [1, a / (a + 1), 0]);
  });

  it("are linear-quadratic as in Mochi's pipeline", () => {
    type Golden = { linearQuadratic: { steps: number; threshold: number; times: number[] }[] };
    for (const { steps, threshold, times: published } of readGolden<Golden>("samplers").linearQuadratic) {
      const got = times({ steps, schedule: { kind: "linear-quadratic", threshold } });
      assert.equal(got.length, steps + 1);
      for (const [i, time] of [...published, 0].entries()) assert.ok(Math.abs((got[i] as number) - time) < 1e-12);
    }
    for (const steps of [1, 2, 3, 5]) {
      const got = times({ steps, schedule: { kind: "linear-quadratic", threshold: 0.5 } });
      assert.deepEqual([got[0], got.at(-1), got.length], [1, 0, steps + 1]);
      assert.ok(got.every((time, i) => i === 0 || time < (got[i - 1] as number)));
    }
  });

  it("are lists of times", () => {
    const cfg = samplerSchema.parse({ schedule: { kind: "times", times: [1, 0.9, 0.2, 0] } });
    assert.deepEqual([timesOf(cfg, 9), numStepsOf(cfg)], [[1, 0.9, 0.2, 0], 3]);
    for (const [list, expected] of [
      ["[0.9, 0]", /expected times that begin at 1 and end at 0/],
      ["[1, 0.5, 0.5, 0]", /expected times that go down/],
    ] as const) {
      assert.throws(() => load(`schedule: { kind: times, times: ${list} }`), expected);
    }
  });

  it("refuse keys that do nothing, and print what loads again", () => {
    for (const [text, expected] of [
      ["order: 3", /order: has no effect: only kind unipc reads it/],
      ["steps: 9\nschedule: { kind: times, times: [1, 0] }", /steps: has no effect: schedule\.times says how many/],
      ["schedule: { kind: linear-quadratic }\nshift: { kind: none }", /shift: has no effect: only schedule linear/],
      ["schedule: { kind: linear, threshold: 0.1 }", /threshold/],
    ] as const) {
      assert.throws(() => load(text), expected);
    }
    for (const text of ["{}", "kind: unipc\norder: 3", "schedule: { kind: times, times: [1, 0.3, 0] }"]) {
      const { value, toYaml } = load(text);
      assert.deepEqual(load(toYaml()).value, value);
    }
  });
});

describe("time shift", () => {
  it("is Flux's: exp(mu) / (exp(mu) + 1/t - 1), mu 0.5 at 256 tokens and 1.15 at 4096", () => {
    const cfg = shiftSchema.parse({ kind: "size" });
    for (const [tokens, mu] of [
      [256, 0.5],
      [2176, 0.825],
      [4096, 1.15],
    ] as const) {
      for (const t of [0.01, 0.3, 0.9]) {
        const flux = Math.exp(mu) / (Math.exp(mu) + (1 / t - 1));
        assert.ok(Math.abs(shiftTime(t, shiftOf(cfg, tokens)) - flux) < 1e-12);
      }
    }
  });
});
