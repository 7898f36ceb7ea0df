import assert from "node:assert/strict";
import type { Grid } from "../../../src/base/grid.ts";
import { RowLoader, type RowPack } from "../../../src/data/loader/rowLoader.ts";

const grids: readonly Grid[] = [
  { t: 1, h: 2, w: 2 },
  { t: 3, h: 2, w: 3 },
  { t: 2, h: 4, w: 4 },
];
const clips = Array.from({ length: 60 }, (_, index) => ({ index, grid: grids[index % 7 < 4 ? 0 : index % 3] as Grid }));
const space = { rows: 2, tokens: 48, frames: 20, clips: 10 };
const ids = ({ rows, pack }: RowPack) => ({ pack, rows: rows.map((row) => row.map(({ index }) => index)) });

describe("RowLoader", () => {
  it("gives every clip once an epoch, each with its grid, whatever its size", () => {
    const loader = new RowLoader(clips, space, 5);
    const drawn: number[] = [];
    while (drawn.length < 6 * clips.length) {
      for (const { index, grid } of loader.next().rows.flat()) {
        assert.deepEqual(grid, clips[index]?.grid);
        drawn.push(index);
      }
    }
    for (const { index } of clips) {
      const times = drawn.filter((other) => other === index).length;
      // Six epochs, one more or less for those under way or waiting.
      assert.ok(times >= 5 && times <= 7, `clip ${index} came ${times} times`);
    }
  });

  it("gives the same packs whatever the number of ranks", () => {
    const alone = new RowLoader(clips, space, 5);
    const ranks = [0, 1, 2].map((rank) => new RowLoader(clips, space, 5, { rank, numRanks: 3 }));
    for (let step = 0; step < 10; step++) {
      for (const rank of ranks) assert.deepEqual(ids(rank.next()), ids(alone.next()));
      for (const rank of ranks) assert.deepEqual(rank.state, alone.state);
    }
  });

  it("goes on from a saved place, and refuses one of other clips", () => {
    const loader = new RowLoader(clips, space, 5);
    for (let pack = 0; pack < 7; pack++) loader.next();
    const saved: unknown = JSON.parse(JSON.stringify(loader.state));
    const resumed = new RowLoader(clips, space, 5);
    resumed.restore(saved);
    for (let pack = 0; pack < 7; pack++) assert.deepEqual(ids(resumed.next()), ids(loader.next()));
    assert.throws(() => new RowLoader(clips.slice(1), space, 5).restore(saved), /loader state: expected the clips/);
    assert.throws(() => new RowLoader(clips, space, 5).restore({ packs: 1 }), /loader state/);
  });
});
