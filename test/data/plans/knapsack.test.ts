import assert from "node:assert/strict";
import { KeyedRandom } from "../../../src/base/random.ts";
import { Knapsack, type Offer } from "../../../src/data/plans/knapsack.ts";

/** Cost of so many copies: the offers in turn. */
function costOf(offers: readonly Offer[], count: number): number {
  let [left, cost] = [count, 0];
  for (const offer of offers) {
    const taken = Math.min(left, offer.copies);
    cost += taken * offer.cost;
    left -= taken;
  }
  return left === 0 ? cost : Number.POSITIVE_INFINITY;
}

/** The least cost over all ways to fill the room, tried one by one. */
function leastCost(sizes: readonly number[], offers: readonly (readonly Offer[])[], room: number, least: number) {
  let best = Number.POSITIVE_INFINITY;
  const visit = (item: number, used: number, cost: number): void => {
    if (item === sizes.length) {
      if (used >= Math.max(1, least)) best = Math.min(best, cost);
      return;
    }
    const size = sizes[item] as number;
    for (let count = 0; used + count * size <= room; count++) {
      visit(item + 1, used + count * size, cost + costOf(offers[item] ?? [], count));
    }
  };
  visit(0, 0, 0);
  return best;
}

describe("Knapsack", () => {
  it("finds the least cost that trying every filling finds", () => {
    for (let trial = 0; trial < 200; trial++) {
      const random = new KeyedRandom(1, "test.knapsack", trial);
      const unit = 1 + random.int(3);
      const sizes = Array.from({ length: 1 + random.int(4) }, () => unit * (1 + random.int(9)));
      const room = unit * (5 + random.int(20)) + random.int(unit);
      const offers = sizes.map(() => {
        const costs = Array.from({ length: 1 + random.int(3) }, () => random.uniform() * 4 - 2).sort((a, b) => a - b);
        return costs.map((cost, i) => ({
          cost,
          copies: i === costs.length - 1 ? Number.POSITIVE_INFINITY : 1 + random.int(6),
        }));
      });
      const least = random.int(room);
      const expected = leastCost(sizes, offers, room, least);
      const counts = new Knapsack(sizes, room).cheapest(offers, least);
      if (counts === undefined) {
        assert.equal(expected, Number.POSITIVE_INFINITY);
        continue;
      }
      const used = counts.reduce((sum, count, i) => sum + count * (sizes[i] as number), 0);
      assert.ok(used <= room && used >= least);
      const cost = counts.reduce((sum, count, i) => sum + costOf(offers[i] ?? [], count), 0);
      assert.ok(Math.abs(cost - expected) < 1e-9, `${cost} for ${expected}`);
    }
  });

  it("fills as much of a room as sums of sizes allow", () => {
    assert.equal(new Knapsack([6, 10, 15], 29).mostFilled(), 28);
    assert.equal(new Knapsack([6, 10, 15], 100).mostFilled(29), 28);
    assert.equal(new Knapsack([320], 1024).mostFilled(), 960);
    assert.equal(new Knapsack([4, 6], 1024).cheapest([[], []], 1), undefined);
  });
});
