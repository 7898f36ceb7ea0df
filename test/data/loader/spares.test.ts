import assert from "node:assert/strict";
import { Spares } from "../../../src/data/loader/spares.ts";

/** Ten clips of one kind from two sources, and one of another kind. */
const clips = [
  ...Array.from({ length: 10 }, (_, index) => ({ index, kind: "2x4x4", source: index < 6 ? 0 : 1 })),
  { index: 10, kind: "1x4x4", source: 0 },
];
const isIn = (damaged: readonly number[]) => (index: number) => damaged.includes(index);

describe("spares of damaged clips", () => {
  const spares = new Spares(clips, 3);

  it("leave what is whole as it is, and take the place of the rest by kind and source", () => {
    for (let pack = 0; pack < 50; pack++) {
      const [first, second, third] = spares.replace([1, 4, 10], pack, isIn([4]));
      assert.deepEqual([first, third], [1, 10]);
      assert.ok([0, 1, 2, 3, 5].includes(second as number), `${second}`);
      assert.ok([8, 9].includes(spares.replace([6], pack, isIn([6, 7]))[0] as number));
      assert.ok((spares.replace([6], pack, isIn([6, 7, 8, 9]))[0] as number) < 6, "another source when none is whole");
    }
  });

  it("are the same whatever was known to be damaged when they were first looked for", () => {
    const damaged = [0, 2, 3, 7, 8];
    for (let pack = 0; pack < 50; pack++) {
      const expected = spares.replace([2, 8, 5, 3], pack, isIn(damaged));
      // A damaged clip is only found out by reading it.
      const known = new Set<number>();
      for (;;) {
        const drawn = spares.replace([2, 8, 5, 3], pack, (index) => known.has(index));
        const found = drawn.find((index) => damaged.includes(index));
        if (found === undefined) {
          assert.deepEqual(drawn, expected);
          break;
        }
        known.add(found);
      }
    }
  });

  it("come about equally often", () => {
    const times = new Map<number, number>();
    for (let pack = 0; pack < 4000; pack++) {
      const [spare] = spares.replace([1], pack, isIn([1]));
      times.set(spare as number, (times.get(spare as number) ?? 0) + 1);
    }
    assert.deepEqual([...times.keys()].sort(), [0, 2, 3, 4, 5]);
    for (const count of times.values()) assert.ok(count > 650, `${count} of 4000`);
  });

  it("are refused when no clip of a kind is whole", () => {
    assert.throws(
      () => spares.replace([10], 0, isIn([10])),
      /^UserError: data: expected a clip of 1x4x4 that is whole, got 1/,
    );
  });
});
