import assert from "node:assert/strict";
import { type SamplerConfig, samplerSchema, solverOf } from "../../../src/diffusion/sampler.ts";
import { planFlow } from "../../../src/diffusion/solvers/flowPlan.ts";
import type { Solver } from "../../../src/diffusion/solvers/solver.ts";
import { type GoldenTensor, goldenValues, readGolden } from "../../goldens/golden.ts";
import { followFlow, type Velocity } from "../followFlow.ts";

interface Case {
  readonly kind: SamplerConfig["kind"];
  readonly order?: number;
  readonly times: number[];
  readonly start: GoldenTensor;
  readonly velocities: GoldenTensor;
  readonly points: GoldenTensor;
}

const solver = (kind: string, order = 2): Solver => solverOf(samplerSchema.parse({ kind, order }));
const all = [solver("euler"), solver("heun"), solver("dpm++"), solver("unipc", 2), solver("unipc", 3)];

describe("solvers", () => {
  it("take the steps of diffusers' flow schedulers", async () => {
    for (const { kind, order, times, ...tensors } of readGolden<{ steps: Case[] }>("samplers").steps) {
      const [start, velocities, points] = [tensors.start, tensors.velocities, tensors.points].map(goldenValues) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const { length } = start;
      let asked = 0;
      const velocity: Velocity = async (x) => {
        if (asked > 0) assertClose(x, points.subarray((asked - 1) * length, asked * length), `${kind} ${asked}`);
        return velocities.subarray(asked * length, ++asked * length);
      };
      const end = await followFlow(solver(kind, order), velocity, start, [{ first: 0, length, times }]);
      assert.equal(asked * length, velocities.length);
      assertClose(end, points.subarray(-length), `${kind} ${order} from ${times[0]}`);
    }
  });

  /**
   * Where data is normal with deviation s, the flow is known: v(x, t) = x (t - (1 - t) s^2) / var(t) with
   * var(t) = (1 - t)^2 s^2 + t^2, and a point moves so that x / sqrt(var) stays.
   */
  const s = 0.5;
  const variance = (t: number) => (1 - t) ** 2 * s ** 2 + t ** 2;

  /** A solver's error on that flow, in 64 bits. */
  function errorOf(of: Solver, times: readonly number[]): number {
    let state = [1, ...new Array<number>(of.numMemories).fill(0)];
    for (const [stage] of planFlow(of, [times]).flat()) {
      assert.ok(stage !== undefined);
      const [x, t] = [state[0] as number, stage.time];
      const known = [(x * (t - (1 - t) * s ** 2)) / variance(t), ...state];
      state = stage.next.map((mix) => mix.reduce((sum, factor, i) => sum + factor * (known[i] as number), 0));
    }
    const [first, last] = [times[0] as number, times.at(-1) as number];
    return Math.abs((state[0] as number) - Math.sqrt(variance(last) / variance(first)));
  }

  const timesOver = (first: number, last: number, steps: number): number[] =>
    Array.from({ length: steps + 1 }, (_, i) => first + ((last - first) * i) / steps);

  /** Slope of the logarithm of the error over the logarithm of the steps, by least squares. */
  function orderOf(of: Solver, first: number, last: number): number {
    const points = [40, 80, 160, 320].map((steps) => {
      return { x: Math.log(steps), y: -Math.log(errorOf(of, timesOver(first, last, steps))) };
    });
    const meanX = points.reduce((sum, { x }) => sum + x / points.length, 0);
    const over = points.reduce((sum, { x, y }) => sum + (x - meanX) * y, 0);
    return over / points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  }

  it("show their order of convergence on normal data, whose flow is known", () => {
    for (const [i, expected] of [1, 2, 2, 3, 4].entries()) {
      const order = orderOf(all[i] as Solver, 0.7, 0.1);
      assert.ok(Math.abs(order - expected) < 0.15, `solver ${i} is of order ${order}`);
    }
  });

  it("converge from pure noise to the clip faster than Euler, though their last step is Euler's", () => {
    for (const of of all.slice(1)) {
      const order = orderOf(of, 1, 0);
      assert.ok(order > 1.6, `order ${order}`);
      const [few, many] = [errorOf(of, timesOver(1, 0, 12)), errorOf(solver("euler"), timesOver(1, 0, 50))];
      assert.ok(few < many, `${few} in 12 steps, Euler ${many} in 50`);
    }
  });

  it("follow a straight flow exactly, whatever the step", async () => {
    for (const of of all) {
      for (const times of [
        [1, 0],
        [1, 0.9, 0.3, 0.25, 0],
        [0.8, 0.5, 0.2, 0.1],
      ]) {
        const end = await followFlow(of, async (x) => x.map(() => 2), Float32Array.of(5), [
          { first: 0, length: 1, times },
        ]);
        assertClose(end, [5 + 2 * ((times.at(-1) as number) - (times[0] as number))], String(times));
      }
    }
  });

  it("move every track by its own times, and change no bit of one that stands", async () => {
    const moving = [1, 0.7, 0.4, 0];
    const late = [1, 1, 0.7, 0.4];
    const velocity: Velocity = async (x, times) => x.map((value, i) => value * (times[i] ?? 0) + 0.1);
    const x = Float32Array.of(1, -0, 0.3);
    for (const of of all) {
      const tracks = [moving, [0, 0, 0, 0], late].map((times, first) => ({ first, length: 1, times }));
      const [a, still, b] = await followFlow(of, velocity, x, tracks);
      assert.ok(Object.is(still, -0));
      const alone = async (value: number, times: number[]) =>
        (await followFlow(of, velocity, Float32Array.of(value), [{ first: 0, length: 1, times }]))[0];
      assert.equal(a, await alone(1, moving));
      assert.equal(b, await alone(x[2] as number, [1, 0.7, 0.4]));
    }
    assert.deepEqual([...x], [1, -0, Math.fround(0.3)]);
  });

  it("ask once a step, Heun twice but once for the step that arrives; nothing while all stand", async () => {
    for (const [i, calls] of [5, 9, 5, 5, 5].entries()) {
      let asked = 0;
      const done: number[] = [];
      const counting: Velocity = async (x) => {
        asked++;
        return x.map(() => 0);
      };
      const track = { first: 0, length: 2, times: [0.9, 0.9, 0.8, 0.6, 0.4, 0.2, 0] };
      await followFlow(all[i] as Solver, counting, new Float32Array(2), [track], (numDone) => done.push(numDone));
      assert.equal(asked, calls);
      assert.deepEqual(done, [1, 2, 3, 4, 5, 6]);
    }
  });
});

function assertClose(got: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(got.length, expected.length);
  for (let i = 0; i < got.length; i++) {
    const error = Math.abs((got[i] as number) - (expected[i] as number));
    assert.ok(error <= 1e-5, `${what}: off by ${error}`);
  }
}
