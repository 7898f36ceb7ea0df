import assert from "node:assert/strict";
import { decidePacking, type PackingDecision } from "../../../src/data/plans/decide.ts";
import { HISTOGRAMS } from "./histograms.ts";
import { SMALL_COST, shares, targets } from "./setting.ts";

function assertMode<M extends PackingDecision["mode"]>(decision: PackingDecision, mode: M) {
  assert.equal(decision.mode, mode, decision.explanations.join("; "));
  return decision as Extract<PackingDecision, { mode: M }>;
}

describe("decidePacking", function () {
  this.timeout(60_000);
  /** Three grids of which no two fit into one pack. */
  const wild = shares(["1x1x90", 5], ["1x1x80", 5], ["1x1x70", 3]);

  it("plans where plans serve, and tells what each grid gets", async () => {
    const wish = targets({ tokens: 2048, longClips: "cut" });
    const decision = assertMode(await decidePacking(HISTOGRAMS["half images"] ?? [], wish, SMALL_COST), "plans");
    const { costs, draws } = decision;
    assert.ok(costs.plans !== undefined && costs.plans < costs.masked);
    assert.ok(Math.abs(draws.reduce((sum, { drawn }) => sum + drawn, 0) - 1) < 1e-9);
    const error = draws.reduce((sum, { drawn, wanted }) => sum + Math.abs(drawn - wanted) / 2, 0);
    assert.ok(Math.abs(error - decision.frequencyError) < 1e-9);
    assert.deepEqual(
      decision.cut.map(({ from, to }) => [from.t, to.t]),
      [
        [17, 8],
        [9, 8],
      ],
    );
  });

  it("costs masked attention over whole rows, and plans by their clips", async () => {
    const wish = targets({ tokens: 1000 });
    const { costs } = await decidePacking(shares(["1x10x10", 1]), wish, SMALL_COST);
    const { perToken, perTokenPair } = SMALL_COST;
    assert.ok(Math.abs(costs.masked / (perToken + 200 * perTokenPair) - 1) < 1e-6);
    assert.ok(Math.abs((costs.plans ?? 0) / (perToken + 100 * perTokenPair) - 1) < 1e-6);
  });

  it("cuts masked packs into rows of at least twice the longest clip", async () => {
    const wish = targets({ tokens: 1000, mode: "masked" });
    const told = assertMode(await decidePacking(shares(["1x10x12", 1], ["1x2x3", 9]), wish, SMALL_COST), "masked");
    assert.equal(told.rows, 4);
    const { perToken, perTokenPair } = SMALL_COST;
    assert.ok(Math.abs(told.costs.masked / (perToken + 250 * perTokenPair) - 1) < 1e-6);
    const long = assertMode(await decidePacking(shares(["1x20x26", 1]), wish, SMALL_COST), "masked");
    assert.equal(long.rows, 1);
  });

  it("takes masked packs where too few plans hold the grids, and where plans would cost more", async () => {
    const few = await decidePacking(wild, targets({ tokens: 100, maxPlans: 2 }), SMALL_COST);
    const { maxClips, explanations } = assertMode(few, "masked");
    assert.equal(maxClips, 1);
    assert.match(explanations.join("; "), /at least 3; .*masked packs: 2 plans do not hold every grid/);
    const one = targets({ tokens: 200, maxPlans: 1 });
    const dear = await decidePacking(shares(["1x1x10", 99], ["1x1x100", 1]), one, { ...SMALL_COST, perTokenPair: 0 });
    const { rejected, costs } = assertMode(dear, "masked");
    assert.ok((rejected?.frequencyError ?? 0) > 0.02 && (costs.plans ?? 0) > costs.masked);
    assert.match(dear.explanations.join("; "), /plans would cost \d+ % more for each token that is wanted/);
  });

  it("does as it is told: plans or an error, or masked packs without plans", async () => {
    const wish = targets({ tokens: 100, maxPlans: 2, mode: "plans" });
    await assert.rejects(
      decidePacking(wild, wish, SMALL_COST),
      /^UserError: packing\.maxPlans: expected at least 3 plans of 100 tokens for 3 grids, got 2, which leave out .*; try maxPlans 3, /,
    );
    const told = assertMode(await decidePacking(wild, { ...wish, mode: "masked" }, SMALL_COST), "masked");
    assert.deepEqual([told.rejected, told.explanations, told.costs.plans], [undefined, [], undefined]);
    assert.deepEqual(
      told.draws.map(({ drawn }) => drawn),
      [5 / 13, 5 / 13, 3 / 13],
    );
  });
});
