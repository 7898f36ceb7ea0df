import assert from "node:assert/strict";
import type { Grid } from "../../../src/base/grid.ts";
import { RowLayout } from "../../../src/models/patches/rowLayout.ts";

const video: Grid = { t: 2, h: 2, w: 2 };
const image: Grid = { t: 1, h: 2, w: 1 };
const layout = new RowLayout({ rows: 2, tokens: 10, frames: 3, clips: 2, stripSize: 2, side: 2 });

describe("RowLayout", () => {
  it("lays each row's clips end to end and keeps a frame and a slot for what is free", () => {
    const placed = layout.place([[image], [image, video]]);
    assert.deepEqual([placed.numTokens, placed.numFrames, placed.numClips], [20, 8, 6]);
    assert.deepEqual(
      placed.clips.map(({ firstToken, numTokens, firstFrame, slot }) => [firstToken, numTokens, firstFrame, slot]),
      [
        [0, 2, 0, 0],
        [10, 2, 4, 3],
        [12, 8, 5, 4],
      ],
    );
    const { frameOfStrip_N, clipOfFrame_F, positions_L3 } = layout.inputsOf(placed);
    assert.deepEqual([...(frameOfStrip_N?.data ?? [])], [0, 3, 3, 3, 3, 4, 5, 5, 6, 6]);
    assert.deepEqual([...(clipOfFrame_F?.data ?? [])], [0, 2, 2, 2, 3, 4, 4, 5]);
    const positions = [...(positions_L3?.data ?? [])];
    assert.deepEqual(positions.slice(0, 9), [0, 0, 0, 0, 1, 0, 0, 0, 0]);
    assert.deepEqual(positions.slice(3 * 12, 3 * 20), [
      ...[0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1],
      ...[1, 0, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1],
    ]);
  });

  it("gives inputs of the shapes that it names, also when empty", () => {
    const inputs = layout.inputsOf(layout.place([]));
    for (const [name, { shape, dtype }] of Object.entries(layout.inputs)) {
      assert.deepEqual([inputs[name]?.shape, inputs[name]?.dtype], [shape, dtype]);
    }
    assert.deepEqual([...new Set(inputs.frameOfStrip_N?.data)], [3, 7]);
  });

  it("refuses what has no room", () => {
    assert.throws(() => layout.place([[image, image, image]]), /a row for 2 clips holds 3/);
    assert.throws(() => layout.place([[video, { t: 1, h: 2, w: 2 }]]), /a row of 10 tokens holds 12/);
    assert.throws(() => layout.place([[], [], []]), /3 rows in a pack of 2/);
    assert.throws(() => layout.place([[{ t: 1, h: 1, w: 1 }]]), /1x1x1 has frames of whole strips of 2/);
    assert.throws(() => layout.place([[{ t: 1, h: 1, w: 4 }]]), /sides up to 2/);
  });
});
