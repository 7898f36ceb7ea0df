import assert from "node:assert/strict";
import { lineThrough } from "../../../src/cli/bench/lineThrough.ts";
import { measureLoading } from "../../../src/cli/bench/loading.ts";
import type { Dataset } from "../../../src/data/dataset.ts";
import { scratchFolder } from "../../data/scratch.ts";
import { smallVaeTask, smallWorld } from "../../train/loopSetting.ts";

describe("data bench", () => {
  const folder = scratchFolder();
  let dataset: Dataset;
  before(async () => {
    dataset = await smallWorld(folder());
  });
  after(() => dataset.close());

  it("counts what was loaded, and the wait that a pause leaves", async () => {
    const steps: number[] = [];
    const result = await measureLoading(smallVaeTask(dataset, "random"), {
      loader: { workers: 0, prefetch: 2 },
      numSteps: 60,
      numParts: 2,
      stepMs: 15,
      onStep: (done) => steps.push(done),
    });
    assert.deepEqual(
      steps,
      Array.from({ length: 60 }, (_, i) => i + 1),
    );
    assert.deepEqual([result.steps, result.batches], [60, 120]);
    // A batch has 2,560 pixels at most, so one clip at least; a pause of 15 ms bounds the rate.
    assert.ok(result.clips >= 118 && result.clipsPerSecond >= result.batchesPerSecond);
    assert.ok(result.batchesPerSecond <= 2000 / 15);
    assert.ok(result.dataWait > 0 && result.dataWait < 1, String(result.dataWait));
    // Memory that stays the same to the byte has a slope without error.
    assert.ok(result.rssMb > 50 && Number.isFinite(result.rssSlope) && result.rssSlopeError >= 0);
  });

  it("fits a line with its error as textbooks do", () => {
    // Anscombe 1973, "Graphs in Statistical Analysis", first data set: y = 3.00 + 0.500 x, standard error 0.118.
    const xs = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
    const ys = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
    const { mean, slope, error } = lineThrough(xs.map((x, i) => ({ x, y: ys[i] as number })));
    assert.ok(Math.abs(mean - 7.501) < 1e-3);
    assert.ok(Math.abs(slope - 0.5001) < 1e-4);
    assert.ok(Math.abs(error - 0.1179) < 1e-4);
  });
});
