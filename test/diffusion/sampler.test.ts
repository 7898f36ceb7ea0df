import assert from "node:assert/strict";
import { followFlow, noiseToClip, samplerSchema, type Velocity } from "../../src/diffusion/sampler.ts";
import { shiftOf, shiftSchema, shiftTime } from "../../src/diffusion/shift.ts";

/**
 * Where data is normal with deviation s, the flow is known: v(x, t) = x (t - (1 - t) s^2) / var(t) with
 * var(t) = (1 - t)^2 s^2 + t^2, and a point moves so that x / sqrt(var) stays. From noise x to the clip s x.
 */
const s = 0.5;
const variance = (t: number) => (1 - t) ** 2 * s ** 2 + t ** 2;
const normalFlow: Velocity = async (x, [t]) =>
  x.map((value) => (value * ((t as number) - (1 - (t as number)) * s ** 2)) / variance(t as number));

async function errorOf(kind: "euler" | "heun", steps: number): Promise<number> {
  const track = { first: 0, length: 1, times: noiseToClip(steps, 1) };
  const [end] = await followFlow(kind, normalFlow, Float32Array.of(1), [track]);
  return Math.abs((end as number) - s);
}

describe("followFlow", () => {
  it("arrives at the exact end as steps grow, Euler with order 1 and Heun with order 2", async () => {
    for (const [kind, order] of [
      ["euler", 1],
      ["heun", 2],
    ] as const) {
      const ratio = (await errorOf(kind, 20)) / (await errorOf(kind, 40));
      assert.ok(ratio > 0.8 * 2 ** order && ratio < 1.25 * 2 ** order, `${kind}: errors fall by ${ratio}`);
    }
    assert.ok((await errorOf("heun", 40)) < 1e-3);
  });

  it("moves every track by its own times and leaves one that stands still", async () => {
    const x = Float32Array.of(1, 1, 1, 1);
    const seen: number[][] = [];
    const constant: Velocity = async (values, times) => {
      seen.push([...times]);
      return values.map(() => 2);
    };
    const tracks = [
      { first: 0, length: 1, times: [1, 0.5, 0] },
      { first: 1, length: 2, times: [0, 0, 0] },
      { first: 3, length: 1, times: [1, 1, 0.25] },
    ];
    assert.deepEqual([...(await followFlow("euler", constant, x, tracks))], [-1, 1, 1, -0.5]);
    assert.deepEqual(seen, [
      [1, 0, 1],
      [0.5, 0, 1],
    ]);
    assert.deepEqual([...(await followFlow("heun", constant, x, tracks))], [-1, 1, 1, -0.5]);
    assert.deepEqual([...x], [1, 1, 1, 1]);
  });

  it("asks once a step with Euler; with Heun twice, but once for the step that arrives", async () => {
    for (const [kind, calls] of [
      ["euler", 5],
      ["heun", 9],
    ] as const) {
      let asked = 0;
      const done: number[] = [];
      const counting: Velocity = async (x) => {
        asked++;
        return x.map(() => 0);
      };
      const track = { first: 0, length: 2, times: noiseToClip(5, 2) };
      await followFlow(kind, counting, new Float32Array(2), [track], (numDone) => done.push(numDone));
      assert.equal(asked, calls);
      assert.deepEqual(done, [1, 2, 3, 4, 5]);
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

  it("keeps the ends, and by default goes by size", () => {
    assert.deepEqual(noiseToClip(2, 3), [1, 0.75, 0]);
    assert.deepEqual(samplerSchema.parse({}), {
      kind: "euler",
      steps: 30,
      shift: { kind: "size", tokens: [256, 4096], mu: [0.5, 1.15] },
    });
  });
});
