import assert from "node:assert/strict";
import type { Tensor5D } from "@tensorflow/tfjs";
import { depthToSpace, spaceToDepth } from "../../src/nn/spaceToDepth.ts";
import { assertClose, randomTensor } from "./numeric.ts";

describe("spaceToDepth", () => {
  for (const factor of [
    [1, 1],
    [1, 2],
    [2, 1],
    [4, 2],
  ] as const) {
    it(`is undone by depthToSpace, factor ${factor}`, () => {
      const x = randomTensor<Tensor5D>("x", [2, 9, 4, 6, 3]);
      const deep = spaceToDepth(x, factor);
      const [time, space] = factor;
      assert.deepEqual(deep.shape, [2, 1 + 8 / time, 4 / space, 6 / space, 3 * time * space * space]);
      assertClose(depthToSpace(deep, factor), x, 0);
    });
  }

  it("repeats the first frame in place of those before it", () => {
    const x = randomTensor<Tensor5D>("x", [1, 1, 1, 1, 2]);
    assertClose(spaceToDepth(x, [3, 1]), x.tile([1, 1, 1, 1, 3]), 0);
  });
});
