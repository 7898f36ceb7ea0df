import assert from "node:assert/strict";
import { type Grid, gridKey } from "../../../src/base/grid.ts";
import { PackLoader } from "../../../src/data/loader/packLoader.ts";
import { choosePlans } from "../../../src/data/plans/choosePlans.ts";
import { mergeCounts, type Plan } from "../../../src/data/plans/plan.ts";
import { SMALL_COST, targets } from "../plans/setting.ts";

const histogram = [
  { grid: { t: 1, h: 6, w: 6 }, count: 163 },
  { grid: { t: 2, h: 4, w: 4 }, count: 199 },
  { grid: { t: 3, h: 4, w: 4 }, count: 546 },
  { grid: { t: 3, h: 4, w: 6 }, count: 389 },
  { grid: { t: 3, h: 6, w: 4 }, count: 363 },
  { grid: { t: 4, h: 4, w: 4 }, count: 168 },
  { grid: { t: 5, h: 4, w: 6 }, count: 172 },
];
const clips = histogram
  .flatMap(({ grid, count }) => Array.from({ length: count }, () => grid))
  .map((grid, index) => ({ grid, index }));
const gridOf = new Map<number, Grid>(clips.map(({ index, grid }) => [index, grid]));

describe("PackLoader", () => {
  let plans: readonly Plan[];
  before(async () => {
    ({ plans } = await choosePlans(mergeCounts(histogram), targets({ tokens: 512, maxPlans: 6 }), SMALL_COST));
  });

  it("draws clips of the plan's grids, in its order, each grid without repeats until it is through", () => {
    const loader = new PackLoader(plans, clips, 5);
    const drawn = new Map<string, number[]>();
    for (let pack = 0; pack < 1200; pack++) {
      const next = loader.next();
      assert.equal(next.pack, pack);
      assert.deepEqual(
        next.clips.map((clip) => gridOf.get(clip)),
        plans[next.plan]?.grids,
      );
      for (const clip of next.clips) {
        const key = gridKey(gridOf.get(clip) as Grid);
        drawn.set(key, [...(drawn.get(key) ?? []), clip]);
      }
    }
    for (const { grid, count } of histogram) {
      const sequence = drawn.get(gridKey(grid)) ?? [];
      assert.ok(sequence.length > 3 * count, "three epochs");
      for (const epoch of [0, 1, 2]) {
        assert.equal(new Set(sequence.slice(epoch * count, (epoch + 1) * count)).size, count);
      }
    }
  });

  it("draws plans at their rates over any stretch", () => {
    const loader = new PackLoader(plans, clips, 6);
    const times = plans.map(() => 0);
    for (let pack = 1; pack <= 500; pack++) {
      const { plan } = loader.next();
      times[plan] = (times[plan] as number) + 1;
      plans.forEach(({ rate }, i) => {
        assert.ok(Math.abs((times[i] as number) - rate * pack) < 1, `plan ${i} after ${pack}`);
      });
    }
  });

  it("refuses plans that are not of these clips", () => {
    assert.throws(() => new PackLoader([{ grids: [{ t: 1, h: 6, w: 6 }], rate: 1 }], clips, 5), /a plan with clips of/);
    assert.throws(() => new PackLoader(plans, clips.slice(163), 5), /clips of 1x6x6, got none/);
  });
});
