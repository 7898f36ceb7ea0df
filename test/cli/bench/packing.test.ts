import assert from "node:assert/strict";
import { type Grid, gridKey, gridSize } from "../../../src/base/grid.ts";
import { compareWays } from "../../../src/cli/bench/packing/compare.ts";
import { FORTY_GRIDS } from "../../../src/cli/bench/packing/fortyGrids.ts";
import { bucketed, drawnBy, maskedRows, padded, planned } from "../../../src/cli/bench/packing/ways.ts";
import { createEngine } from "../../../src/engine/createEngine.ts";
import { engineSchema } from "../../../src/engine/engineConfig.ts";

const small: Grid = { t: 1, h: 2, w: 2 };
const large: Grid = { t: 2, h: 2, w: 4 };
const plans = [
  { grids: [large, small], rate: 0.75 },
  { grids: [small, small, small, small, small], rate: 0.25 },
];
const mix = drawnBy(plans);
/** 2.75 clips a pack: 0.75 large ones of 16 tokens, 2 small ones of 4. */
const meanTokens = (0.75 * 16 + 2 * 4) / 2.75;
const ways = [planned(plans), bucketed(mix, 20), maskedRows(mix, 20), padded(mix, 20)];

describe("packing bench", () => {
  it("has 40 grids from 1x2x2 to 17x16x16, smaller ones more often", () => {
    const keys = FORTY_GRIDS.map(({ grid }) => gridKey(grid));
    assert.equal(new Set(keys).size, 40);
    assert.deepEqual([keys[0], keys[39]], ["17x16x16", "1x2x2"]);
    assert.ok(FORTY_GRIDS.every(({ count }, i) => i === 0 || count > (FORTY_GRIDS[i - 1]?.count ?? 0)));
    const clips = FORTY_GRIDS.reduce((sum, { count }) => sum + count, 0);
    const mean = FORTY_GRIDS.reduce((sum, { grid, count }) => sum + gridSize(grid) * (count / clips), 0);
    assert.equal(Math.round(mean), 164);
  });

  it("trains on as many tokens a clip every way", () => {
    for (const { name, programs } of ways) {
      const tokens = programs.reduce((sum, { tokens, runsPerClip }) => sum + tokens * runsPerClip, 0);
      // Masked rows draw clips at random.
      assert.ok(Math.abs(tokens / meanTokens - 1) < (name === "rows" ? 0.05 : 1e-9), `${name}: ${tokens}`);
    }
  });

  it("gives each way the same budget, and batches as full as they can be", () => {
    const [plan, bucket, rows, pad] = ways.map(({ programs }) => programs);
    assert.deepEqual(
      plan?.map(({ tokens }) => tokens),
      [20, 20],
    );
    assert.deepEqual(
      bucket?.map(({ layout }) => [layout.clips.length, layout.numTokens]),
      [
        [1, 16],
        [5, 20],
      ],
    );
    assert.deepEqual([rows?.length, rows?.[0]?.shape.numTokens, pad?.[0]?.shape.numTokens], [1, 20, 16]);
    assert.ok((rows?.[0]?.tokens ?? 0) > 0.97 * 20);
    assert.ok(Math.abs((pad?.[0]?.tokens ?? 0) - meanTokens) < 1e-9);
  });

  it("counts clips' tokens alone", async () => {
    const engine = await createEngine(engineSchema.parse({ threads: 1, cache: false }));
    let last = 0;
    const results = await compareWays(engine, ways, 1, (done) => {
      last = done;
    });
    await engine.dispose();
    assert.equal(last, 2 * 6);
    assert.deepEqual(
      results.map(({ way, programs }) => [way, programs]),
      [
        ["plans", 2],
        ["bucketed", 2],
        ["rows", 1],
        ["padded", 1],
      ],
    );
    for (const { tokensPerSecond, msPerStep, fill } of results) {
      assert.ok(tokensPerSecond > 0 && msPerStep >= 0 && fill > 0 && fill <= 1);
    }
    assert.equal(results[3]?.fill, Math.round((1000 * meanTokens) / 16) / 1000);
  });
});
