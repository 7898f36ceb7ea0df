import assert from "node:assert/strict";
import fc from "fast-check";
import { histogramOf } from "../../src/report/histogram.ts";

describe("histogramOf", () => {
  it("counts every finite value in the bucket that holds it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noDefaultInfinity: false })),
        fc.integer({ min: 1, max: 40 }),
        (values, numBuckets) => {
          const finite = values.filter(Number.isFinite);
          const histogram = histogramOf(values, numBuckets);
          if (finite.length === 0) return assert.equal(histogram, undefined);
          assert.ok(histogram !== undefined);
          const { bucket, bucketLimit, min, max, num, sum } = histogram;
          assert.equal(num, finite.length);
          assert.equal(
            bucket.reduce((total, count) => total + count, 0),
            num,
          );
          assert.equal(
            min,
            finite.reduce((least, value) => Math.min(least, value)),
          );
          assert.equal(max, bucketLimit.at(-1));
          assert.equal(
            sum,
            finite.reduce((total, value) => total + value, 0),
          );
          assert.ok(bucketLimit.every((limit, i) => i === 0 || limit >= (bucketLimit[i - 1] as number)));
          assert.ok(
            (bucket.at(-1) as number) > 0 && (bucket[0] as number) > 0,
            "the least and greatest value are counted",
          );
        },
      ),
    );
  });

  it("puts values where their bucket is", () => {
    assert.deepEqual(histogramOf([0, 1, 2, 3, 4, 4], 4), {
      ...{ min: 0, max: 4, num: 6, sum: 14, sumSquares: 46 },
      ...{ bucketLimit: [1, 2, 3, 4], bucket: [1, 1, 1, 3] },
    });
    assert.deepEqual(histogramOf([5, 5])?.bucket, [2]);
  });
});
