import assert from "node:assert/strict";
import { gridKey } from "../../../src/base/grid.ts";
import { assignGrids } from "../../../src/data/plans/assign.ts";
import { shares, targets } from "./setting.ts";

function keys(redraws: readonly { from: object; to: object; count: number }[]): string[] {
  return redraws.map(({ from, to, count }) => `${JSON.stringify(Object.values(from))} ${Object.values(to)} ${count}`);
}

describe("assignGrids", () => {
  it("draws every grid as itself when all fit", () => {
    const { histogram, assignment, cut, merged } = assignGrids(
      shares(["1x2x2", 3], ["5x4x8", 2], ["1x2x2", 1]),
      targets({ tokens: 160 }),
    );
    assert.deepEqual(histogram, shares(["5x4x8", 2], ["1x2x2", 4]));
    assert.deepEqual([...assignment.values()].map(gridKey), ["5x4x8", "1x2x2"]);
    assert.deepEqual([cut, merged], [[], []]);
  });

  it("refuses clips that are larger than a pack, with the numbers, or cuts them in time", () => {
    const wanted = shares(["9x8x8", 7], ["4x8x8", 1], ["1x8x8", 2]);
    assert.throws(
      () => assignGrids(wanted, targets({ tokens: 300 })),
      /^UserError: packing\.tokens: expected at least 576 for the clips of 9x8x8 tokens, got 300, too few for 7 of 10 clips; try tokens 576, or longClips cut/,
    );
    const { histogram, assignment, cut } = assignGrids(wanted, targets({ tokens: 300, longClips: "cut" }));
    assert.deepEqual(histogram, shares(["4x8x8", 8], ["1x8x8", 2]));
    assert.equal(gridKey(assignment.get("9x8x8") ?? assert.fail()), "4x8x8");
    assert.deepEqual(keys(cut), ["[9,8,8] 4,8,8 7"]);
    assert.throws(
      () => assignGrids(wanted, targets({ tokens: 63, longClips: "cut" })),
      /at least 576 for the clips of 9x8x8 .* smaller frames/,
    );
    assert.throws(() => assignGrids([], targets({ tokens: 300 })), /a dataset with clips, got no clips/);
  });

  it("crops rare grids to the nearest grid inside them, names each, and leaves the others in place", () => {
    const wanted = shares(["5x8x8", 5000], ["4x8x8", 4000], ["5x8x9", 3], ["4x9x9", 2], ["1x2x2", 1], ["1x8x16", 1]);
    const { histogram, assignment, merged } = assignGrids(wanted, targets({ tokens: 1024, rare: "merge" }));
    assert.deepEqual(histogram, shares(["5x8x8", 5003], ["4x8x8", 4002], ["1x8x16", 1], ["1x2x2", 1]));
    assert.deepEqual(keys(merged), ["[5,8,9] 5,8,8 3", "[4,9,9] 4,8,8 2"]);
    assert.equal(assignment.size, 6);
    const kept = assignGrids(wanted, targets({ tokens: 1024, rare: "merge", rareShare: 0 }));
    assert.deepEqual(kept.merged, []);
  });

  it("merges what was cut", () => {
    const wanted = shares(["4x8x8", 5000], ["9x8x9", 1]);
    const wish = targets({ tokens: 300, longClips: "cut", rare: "merge" });
    const { histogram, assignment, cut, merged } = assignGrids(wanted, wish);
    assert.deepEqual(histogram, shares(["4x8x8", 5001]));
    assert.deepEqual([keys(cut), keys(merged)], [["[9,8,9] 4,8,9 1"], ["[4,8,9] 4,8,8 1"]]);
    assert.equal(gridKey(assignment.get("9x8x9") ?? assert.fail()), "4x8x8");
  });
});
