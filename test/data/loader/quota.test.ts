import assert from "node:assert/strict";
import fc from "fast-check";
import { Quota } from "../../../src/data/loader/quota.ts";

describe("Quota", () => {
  it("takes turns as worked out by hand", () => {
    const quota = new Quota([5, 3, 2]);
    const turns = Array.from({ length: 10 }, () => quota.next());
    assert.deepEqual(
      turns.map(({ which }) => which),
      [0, 1, 0, 2, 0, 1, 0, 1, 0, 2],
    );
    assert.deepEqual(
      turns.map(({ before }) => before),
      [0, 0, 1, 0, 2, 1, 3, 2, 4, 1],
    );
  });

  it("keeps each within one turn of its rate, whatever the rates", () => {
    const rates = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(rates, (parts) => {
        const total = parts.reduce((sum, part) => sum + part, 0);
        const quota = new Quota(parts);
        for (let n = 1; n <= 400; n++) {
          quota.next();
          for (const [i, count] of quota.drawn.entries()) {
            assert.ok(Math.abs(count - (n * (parts[i] as number)) / total) < 1, `${i} came ${count} times in ${n}`);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("goes on from its counts", () => {
    const counts = fc.integer({ min: 0, max: 300 });
    const rates = fc.array(fc.double({ min: 1e-3, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(rates, counts, (parts, stop) => {
        const [straight, first, second] = [new Quota(parts), new Quota(parts), new Quota(parts)];
        const all = Array.from({ length: stop + 50 }, () => straight.next());
        for (let n = 0; n < stop; n++) first.next();
        second.restore(first.drawn);
        assert.deepEqual(
          Array.from({ length: 50 }, () => second.next()),
          all.slice(stop),
        );
      }),
      { numRuns: 40 },
    );
  });
});
