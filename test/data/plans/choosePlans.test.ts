import assert from "node:assert/strict";
import { compareGrids, gridKey } from "../../../src/base/grid.ts";
import { KeyedRandom } from "../../../src/base/random.ts";
import { assignGrids } from "../../../src/data/plans/assign.ts";
import { choosePlans, type PlanSet } from "../../../src/data/plans/choosePlans.ts";
import { packCost } from "../../../src/data/plans/cost.ts";
import { type GridShare, mergeCounts, tokensIn } from "../../../src/data/plans/plan.ts";
import { readGolden } from "../../goldens/golden.ts";
import { plansByName } from "./goldenPlans.ts";
import { HISTOGRAMS } from "./histograms.ts";
import { SMALL_COST, shares, targets } from "./setting.ts";

const BUDGETS = [1024, 2048, 4096, 8192, 16_384];

/** Figures of plans, computed anew from the plans alone. */
function figures({ plans }: PlanSet, histogram: readonly GridShare[], tokens: number) {
  const total = histogram.reduce((sum, { count }) => sum + count, 0);
  const clips = plans.reduce((sum, { grids, rate }) => sum + rate * grids.length, 0);
  const drawn = histogram.map(({ grid }) => {
    const times = plans.map(({ grids, rate }) => rate * grids.filter((held) => gridKey(held) === gridKey(grid)).length);
    return times.reduce((sum, share) => sum + share, 0) / clips;
  });
  const costs = plans.map(({ grids }) => packCost(SMALL_COST, grids));
  return {
    drawn,
    rates: plans.reduce((sum, { rate }) => sum + rate, 0),
    fill: plans.reduce((sum, { grids, rate }) => sum + (rate * tokensIn(grids)) / tokens, 0),
    frequencyError: histogram.reduce((sum, { count }, i) => sum + Math.abs(count / total - (drawn[i] ?? 0)) / 2, 0),
    maxCostRatio: Math.max(...costs) / Math.min(...costs),
  };
}

function assertSound(set: PlanSet, histogram: readonly GridShare[], { tokens, maxPlans }: ReturnType<typeof targets>) {
  const { drawn, rates, ...found } = figures(set, histogram, tokens);
  assert.ok(set.plans.length <= maxPlans);
  assert.ok(Math.abs(rates - 1) < 1e-12, `rates sum to ${rates}`);
  for (const { grids, rate } of set.plans) {
    assert.ok(tokensIn(grids) <= tokens, "a plan keeps to the budget");
    assert.ok(rate > 0);
    assert.deepEqual([...grids].sort(compareGrids), grids);
  }
  for (const figure of ["fill", "frequencyError", "maxCostRatio"] as const) {
    assert.ok(
      Math.abs(found[figure] - set[figure]) < 1e-9,
      `${figure}: ${set[figure]} is told, ${found[figure]} found`,
    );
  }
  assert.ok(set.fill <= set.bounds.fill + 1e-6, `fill ${set.fill} above its bound ${set.bounds.fill}`);
  return drawn;
}

describe("choosePlans", function () {
  this.timeout(120_000);

  for (const [name, wanted] of Object.entries(HISTOGRAMS)) {
    it(`meets the targets wherever the histogram allows it, or says why not: ${name}`, async () => {
      for (const tokens of BUDGETS) {
        const wish = targets({ tokens, longClips: "cut" });
        const { histogram } = assignGrids(wanted, wish);
        const set = await choosePlans(histogram, wish, SMALL_COST);
        const drawn = assertSound(set, histogram, wish);
        const total = histogram.reduce((sum, { count }) => sum + count, 0);
        for (const [i, { grid, count }] of histogram.entries()) {
          assert.ok((drawn[i] ?? 0) >= (0.499 * count) / total, `${gridKey(grid)} is drawn ${drawn[i]}`);
        }
        const what = `${tokens} tokens: fill ${set.fill} of ${set.bounds.fill}, error ${set.frequencyError}`;
        assert.ok(set.frequencyError <= 0.02 + 1e-6, what);
        const reachable = Math.min(0.98, set.bounds.fill);
        if (set.fill < 0.98 - 1e-5) assert.ok(set.explanations.length > 0, `${what}: no explanation`);
        else assert.deepEqual(set.explanations, []);
        assert.ok(set.fill >= reachable - 1e-4, what);
      }
    });
  }

  it("gives the same plans for the same histogram, whatever its order, and never uses more than it needs", async () => {
    const wish = targets({ tokens: 2048 });
    const histogram = mergeCounts(HISTOGRAMS["half images"]?.filter(({ grid }) => grid.t < 17) ?? []);
    const [one, other] = [
      await choosePlans(histogram, wish, SMALL_COST),
      await choosePlans(mergeCounts([...histogram].reverse()), wish, SMALL_COST),
    ];
    assert.equal(JSON.stringify(one), JSON.stringify(other));
    const single = await choosePlans(shares(["5x8x8", 7]), wish, SMALL_COST);
    assert.equal(single.plans.length, 1);
    assert.equal(single.plans[0]?.grids.length, 6);
  });

  it("gives the very plans that it gave on other machines", async () => {
    assert.deepEqual(await plansByName(), readGolden("plans"));
  });

  it("keeps its promises on random histograms", async () => {
    for (let trial = 0; trial < 25; trial++) {
      const random = new KeyedRandom(3, "test.plans", trial);
      const histogram = mergeCounts(
        Array.from({ length: 1 + random.int(9) }, (_, i) => ({
          grid: { t: 1 + random.int(5), h: 1 + random.int(8), w: 10 + i },
          count: 1 + random.int(500),
        })),
      );
      const largest = Math.max(...histogram.map(({ grid }) => tokensIn([grid])));
      const wish = targets({ tokens: largest + random.int(1000), maxPlans: histogram.length });
      const set = await choosePlans(histogram, wish, SMALL_COST);
      assert.ok(assertSound(set, histogram, wish).every((share) => share > 0));
    }
  });

  it("mixes images and clips in a plan, and holds the very rare", async () => {
    const histogram = shares(["9x8x8", 100_000], ["1x8x8", 300_000], ["17x8x8", 1], ["1x16x4", 1]);
    const set = await choosePlans(mergeCounts(histogram), targets({ tokens: 2048 }), SMALL_COST);
    assert.deepEqual(set.explanations, []);
    assert.deepEqual(set.neglected, []);
    const [most] = set.plans;
    const frames = new Set(most?.grids.map(({ t }) => t));
    assert.ok(frames.has(1) && frames.has(9), "images lie beside clips");
  });

  it("makes steps more equal where that is worth more", async () => {
    const histogram = mergeCounts(HISTOGRAMS["half images"] ?? []);
    const [free, balanced] = [
      await choosePlans(histogram, targets({ tokens: 8192, balance: 0 }), SMALL_COST),
      await choosePlans(histogram, targets({ tokens: 8192, balance: 1 }), SMALL_COST),
    ];
    assert.ok(balanced.maxCostRatio < free.maxCostRatio, `${balanced.maxCostRatio} for ${free.maxCostRatio}`);
    for (const { fill, frequencyError } of [free, balanced]) assert.ok(fill >= 0.98 && frequencyError <= 0.02);
  });

  it("names grids that nothing fills up, and plans that are too few", async () => {
    const half = await choosePlans(shares(["1x24x24", 5], ["9x8x8", 5]), targets({ tokens: 1024 }), SMALL_COST);
    assert.match(half.explanations[0] ?? "", /no set of plans of 1024 tokens .* fills more than 56\.25 %/);
    assert.match(half.explanations[1] ?? "", /9x8x8 \(576 tokens\): 576, 56\.25 %/);
    const few = await choosePlans(
      shares(["1x1x90", 5], ["1x1x80", 5], ["1x1x70", 3]),
      targets({ tokens: 100, maxPlans: 2 }),
      SMALL_COST,
    );
    assert.equal(few.bounds.plans, 3);
    assert.match(few.explanations.join("; "), /2 plans of 100 tokens do not hold 3 grids: it takes at least 3/);
    const own = shares(["1x1x90", 5], ["1x1x80", 5], ["1x1x10", 4], ["1x1x20", 9], ["1x1x7", 90]);
    const scarce = await choosePlans(mergeCounts(own), targets({ tokens: 100, maxPlans: 2 }), SMALL_COST);
    assert.match(
      scarce.explanations.join("; "),
      /; 2 of these grids, 8\.85 % of the clips, .* a plan of its own, of 2$/,
    );
  });
});
