import assert from "node:assert/strict";
import type { Tensor, Tensor1D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { TensorFn } from "../../../src/engine/engine.ts";
import { executorFactories, executorNames } from "../../../src/engine/runtime/executors.ts";
import { fill, floatIn, intIn, runCompiled } from "../differential.ts";

const [NUM_ROWS, NUM_SEGMENTS, WIDTH] = [40_000, 8192, 8];

describe("sums of many rows into few segments, on two threads", () => {
  before(() => tf.setBackend("cpu"));
  for (const name of executorNames) {
    it(`lose no row, executor ${name}`, async () => {
      const executor = await executorFactories[name](2);
      const recipes = { x: floatIn([NUM_ROWS, WIDTH]), ids: intIn([NUM_ROWS], 0, 5) };
      const given = fill(recipes, 3);
      const fn: TensorFn = ({ x, ids }) => ({
        y: tf.unsortedSegmentSum(x as Tensor, ids as Tensor1D, NUM_SEGMENTS),
      });
      const { y } = await runCompiled(executor, fn, given);
      await executor.dispose();
      const sums = new Float64Array(NUM_SEGMENTS * WIDTH);
      for (let i = 0; i < NUM_ROWS * WIDTH; i++) {
        const segment = given.ids?.data[Math.floor(i / WIDTH)] ?? 0;
        const at = segment * WIDTH + (i % WIDTH);
        sums[at] = (sums[at] ?? 0) + (given.x?.data[i] ?? 0);
      }
      const worst = sums.reduce((most, sum, i) => Math.max(most, Math.abs(sum - (y?.data[i] ?? Number.NaN))), 0);
      assert.ok(worst < 0.01, `off by ${worst}`);
    });
  }
});
