import assert from "node:assert/strict";
import { type Grid, gridKey, gridSize } from "../../src/base/grid.ts";
import { KeyedRandom } from "../../src/base/random.ts";
import { isHeldOut } from "../../src/data/heldOut.ts";
import { BucketLoader } from "../../src/data/loader/bucketLoader.ts";
import { type GridClip, PackLoader } from "../../src/data/loader/packLoader.ts";
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

const clips: readonly GridClip[] = histogram
  .flatMap(({ grid, count }) => Array.from({ length: count }, () => grid))
  .map((grid, index) => ({ grid, index }));

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

describe("PackLoader", () => {
  const plans = choosePlans(histogram, { tokens: 512, maxPlans: 6 });
  const gridOf = new Map<number, Grid>(clips.map(({ index, grid }) => [index, grid]));

  it("draws clips of the plan's grids, in its order, each grid without repeats until it is through", () => {
    const loader = new PackLoader(plans, clips, 5);
    const drawn = new Map<string, number[]>();
    for (let step = 0; step < 1200; step++) {
      const pack = loader.next();
      assert.equal(pack.step, step);
      assert.deepEqual(
        pack.clips.map((clip) => gridOf.get(clip)),
        plans[pack.plan]?.grids,
      );
      for (const clip of pack.clips) {
        const key = gridKey(gridOf.get(clip) as Grid);
        drawn.set(key, [...(drawn.get(key) ?? []), clip]);
      }
    }
    for (const { grid, count } of histogram) {
      const sequence = drawn.get(gridKey(grid)) ?? [];
      assert.ok(sequence.length > 3 * count, "three epochs");
      const epochs = [0, 1, 2].map((epoch) => sequence.slice(epoch * count, (epoch + 1) * count));
      for (const epoch of epochs) assert.equal(new Set(epoch).size, count);
      assert.notDeepEqual(epochs[0], epochs[1]);
      assert.notDeepEqual(epochs[1], epochs[2]);
    }
  });

  it("draws plans at their rates over any stretch", () => {
    const loader = new PackLoader(plans, clips, 6);
    const times = plans.map(() => 0);
    for (let step = 1; step <= 500; step++) {
      const { plan } = loader.next();
      times[plan] = (times[plan] as number) + 1;
      plans.forEach(({ rate }, i) => {
        assert.ok(Math.abs((times[i] as number) - rate * step) < 4, `plan ${i} after ${step}`);
      });
    }
  });

  it("goes on from a saved state exactly as if it had not stopped", () => {
    const straight = new PackLoader(plans, clips, 5);
    const packs = Array.from({ length: 300 }, () => straight.next());
    for (const stop of [0, 1, 77, 260]) {
      const first = new PackLoader(plans, clips, 5);
      for (let step = 0; step < stop; step++) first.next();
      const saved: unknown = JSON.parse(JSON.stringify(first.state));
      const second = new PackLoader(plans, clips, 5);
      second.next();
      second.restore(saved);
      assert.deepEqual(
        Array.from({ length: 300 - stop }, () => second.next()),
        packs.slice(stop),
      );
    }
  });

  it("has another order for another seed and refuses a state of other clips", () => {
    const one = new PackLoader(plans, clips, 5);
    const other = new PackLoader(plans, clips, 6);
    assert.notDeepEqual(one.next().clips, other.next().clips);
    const fewer = new PackLoader(plans, clips.slice(1), 5);
    assert.throws(() => fewer.restore(one.state), /clips as when it was saved \(.*163 of 1x6x6.*got .*162 of 1x6x6/);
    assert.throws(() => one.restore({ step: -1, queues: {} }), /loader state step/);
    assert.throws(() => new PackLoader([{ grids: [{ t: 1, h: 6, w: 6 }], rate: 1 }], clips, 5), /a plan with clips of/);
    assert.throws(() => new PackLoader(plans, clips.slice(163), 5), /clips of 1x6x6 tokens, got none/);
  });
});

describe("BucketLoader", () => {
  const shapes = clips.map(({ index, grid }) => ({ index, frames: grid.t, height: grid.h, width: grid.w }));
  const batchOf = ({ frames }: { frames: number }): number => (frames > 3 ? 4 : 8);

  it("draws batches of one shape, every clip about equally often", () => {
    const loader = new BucketLoader(shapes, batchOf, 2);
    const times = new Map<number, number>();
    for (let step = 0; step < 2000; step++) {
      const batch = loader.next();
      const bucket = loader.buckets[batch.bucket] ?? assert.fail();
      assert.equal(batch.clips.length, batchOf(bucket));
      for (const clip of batch.clips) {
        assert.equal(shapes[clip]?.frames, bucket.frames);
        assert.equal(shapes[clip]?.width, bucket.width);
        times.set(clip, (times.get(clip) ?? 0) + 1);
      }
    }
    const counts = shapes.map(({ index }) => times.get(index) ?? 0);
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${Math.min(...counts)} to ${Math.max(...counts)}`);
  });

  it("goes on from a saved state, and repeats clips where there are fewer than a batch", () => {
    const few = shapes.slice(0, 3);
    const straight = new BucketLoader(few, () => 8, 2);
    const stopped = new BucketLoader(few, () => 8, 2);
    assert.deepEqual(new Set(straight.next().clips), new Set([0, 1, 2]));
    stopped.next();
    const resumed = new BucketLoader(few, () => 8, 2);
    resumed.restore(JSON.parse(JSON.stringify(stopped.state)));
    for (let step = 0; step < 20; step++) assert.deepEqual(resumed.next(), straight.next());
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
