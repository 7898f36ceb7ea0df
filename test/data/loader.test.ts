import assert from "node:assert/strict";
import { gridKey, gridSize } from "../../src/base/grid.ts";
import { KeyedRandom } from "../../src/base/random.ts";
import { isHeldOut } from "../../src/data/heldOut.ts";
import { choosePlans, fillOf, type GridShare, type Plan } from "../../src/data/plans.ts";

const histogram: readonly GridShare[] = [
  { grid: { t: 1, h: 6, w: 6 }, count: 163 },
  { grid: { t: 2, h: 4, w: 4 }, count: 199 },
  { grid: { t: 3, h: 4, w: 4 }, count: 546 },
  { grid: { t: 3, h: 4, w: 6 }, count: 389 },
  { grid: { t: 3, h: 6, w: 4 }, count: 363 },
  { grid: { t: 4, h: 4, w: 4 }, count: 168 },
  { grid: { t: 5, h: 4, w: 6 }, count: 172 },
];

/** Share of drawn clips that each grid has, by plans and rates. */
function drawnShares(plans: readonly Plan[]): Map<string, number> {
  const drawn = new Map<string, number>();
  for (const { grids, rate } of plans) {
    for (const grid of grids) drawn.set(gridKey(grid), (drawn.get(gridKey(grid)) ?? 0) + rate);
  }
  const total = [...drawn.values()].reduce((sum, share) => sum + share, 0);
  return new Map([...drawn].map(([key, share]) => [key, share / total]));
}

describe("choosePlans", () => {
  it("holds every grid, keeps the budget, fills packs and follows the histogram", () => {
    const plans = choosePlans(histogram, { tokens: 512, maxPlans: 6 });
    assert.ok(plans.length <= 6);
    for (const { grids } of plans) assert.ok(grids.reduce((sum, grid) => sum + gridSize(grid), 0) <= 512);
    assert.ok(Math.abs(plans.reduce((sum, { rate }) => sum + rate, 0) - 1) < 1e-12);
    const shares = drawnShares(plans);
    assert.equal(shares.size, histogram.length);
    for (const { grid, count } of histogram) {
      const wanted = count / 2000;
      const share = shares.get(gridKey(grid)) ?? 0;
      assert.ok(Math.abs(share - wanted) < 0.02, `${gridKey(grid)}: ${share} for ${wanted}`);
    }
    assert.ok(fillOf(plans, 512) > 0.93, String(fillOf(plans, 512)));
  });

  it("keeps its promises on random histograms", () => {
    for (let trial = 0; trial < 60; trial++) {
      const random = new KeyedRandom(3, "test.plans", trial);
      const grids = Array.from({ length: 1 + random.int(9) }, (_, i) => ({
        grid: { t: 1 + random.int(5), h: 1 + random.int(8), w: 10 + i },
        count: 1 + random.int(500),
      }));
      const tokens = Math.max(...grids.map(({ grid }) => gridSize(grid))) + random.int(1000);
      const plans = choosePlans(grids, { tokens, maxPlans: grids.length });
      const held = new Set(plans.flatMap((plan) => plan.grids.map(gridKey)));
      assert.equal(held.size, grids.length);
      for (const plan of plans) {
        const used = plan.grids.reduce((sum, grid) => sum + gridSize(grid), 0);
        const smallest = Math.min(...grids.map(({ grid }) => gridSize(grid)));
        assert.ok(used <= tokens && tokens - used < smallest, "no further clip fits");
        assert.deepEqual(
          [...plan.grids].sort((a, b) => gridSize(b) - gridSize(a)).map(gridSize),
          plan.grids.map(gridSize),
        );
      }
    }
  });

  it("refuses a clip larger than a pack, and too few plans, with numbers", () => {
    assert.throws(() => choosePlans(histogram, { tokens: 100, maxPlans: 6 }), /at least 120 .* 5x4x6 .* got 100/);
    assert.throws(() => choosePlans(histogram, { tokens: 120, maxPlans: 1 }), /at least \d+ plans of 120 tokens for 7/);
    assert.throws(() => choosePlans([], { tokens: 100, maxPlans: 6 }), /no clips/);
  });
});

describe("isHeldOut", () => {
  const hashes = Array.from({ length: 5000 }, (_, i) => {
    const random = new KeyedRandom(1, "test.hash", i);
    return Array.from({ length: 64 }, () => random.int(16).toString(16)).join("");
  });

  it("holds out the share asked for; a larger share holds the smaller one", () => {
    const small = hashes.filter((hash) => isHeldOut(hash, 0.05));
    const large = hashes.filter((hash) => isHeldOut(hash, 0.2));
    assert.ok(Math.abs(small.length - 250) < 60 && Math.abs(large.length - 1000) < 120);
    assert.ok(small.every((hash) => isHeldOut(hash, 0.2)));
    assert.equal(hashes.filter((hash) => isHeldOut(hash, 0)).length, 0);
    assert.throws(() => isHeldOut("00", 1), /a number in \[0, 1\)/);
  });
});
