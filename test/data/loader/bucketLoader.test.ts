import assert from "node:assert/strict";
import { BucketLoader } from "../../../src/data/loader/bucketLoader.ts";

/** Three shapes, 90 + 60 + 7 clips. */
const shapes = [
  ...Array.from({ length: 90 }, () => ({ frames: 5, height: 16, width: 24 })),
  ...Array.from({ length: 60 }, () => ({ frames: 1, height: 24, width: 24 })),
  ...Array.from({ length: 7 }, () => ({ frames: 5, height: 24, width: 16 })),
].map((shape, index) => ({ ...shape, index }));
const batchOf = ({ frames }: { frames: number }): number => (frames > 3 ? 3 : 8);

describe("BucketLoader", () => {
  it("draws batches of one shape, every clip equally often", () => {
    const loader = new BucketLoader(shapes, batchOf, 2);
    const times = shapes.map(() => 0);
    const draws: number[] = [];
    for (let number = 0; number < 2000; number++) {
      const { plan, clips, pack } = loader.next();
      assert.equal(pack, number);
      const bucket = loader.buckets[plan] ?? assert.fail();
      assert.equal(clips.length, batchOf(bucket));
      for (const clip of clips) {
        const { index, ...shape } = shapes[clip] ?? assert.fail();
        assert.deepEqual({ ...shape, batch: bucket.batch }, bucket);
        times[clip] = (times[clip] as number) + 1;
      }
      draws.push(...clips);
    }
    assert.ok(Math.max(...times) - Math.min(...times) <= 1, `${Math.min(...times)} to ${Math.max(...times)}`);
    assert.equal(loader.epochs.all, draws.length / shapes.length);
  });

  it("draws sources at their weights across shapes", () => {
    const mixed = shapes.map((shape) => ({ ...shape, source: shape.index % 2, weight: 1 + 2 * (shape.index % 2) }));
    const loader = new BucketLoader(mixed, batchOf, 2);
    for (let number = 0; number < 3000; number++) loader.next();
    const [first = 0, second = 0] = loader.epochs.sources;
    assert.ok(first > 20 && Math.abs(second / first - 3) < 0.02, `${second / first}`);
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
