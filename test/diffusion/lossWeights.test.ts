import assert from "node:assert/strict";
import type { Grid } from "../../src/base/grid.ts";
import { lossWeights, meanWeight } from "../../src/diffusion/lossWeights.ts";
import { PackPlan } from "../../src/models/patches/pack.ts";
import { RowLayout } from "../../src/models/patches/rowLayout.ts";
import { assertClose } from "../nn/numeric.ts";

const video: Grid = { t: 3, h: 2, w: 2 };
const image: Grid = { t: 1, h: 2, w: 3 };
const pack = new PackPlan([video, image]);

describe("loss weights", () => {
  it("count every token alike, or every clip, and sum to 1", () => {
    assertClose(lossWeights(pack, "token"), [4 / 18, 4 / 18, 4 / 18, 6 / 18], 1e-7);
    assertClose(lossWeights(pack, "clip"), [1 / 6, 1 / 6, 1 / 6, 1 / 2], 1e-7);
  });

  it("leave known frames out", () => {
    const known = [1, 0, 0, 0];
    assertClose(lossWeights(pack, "token", { known }), [0, 4 / 14, 4 / 14, 6 / 14], 1e-7);
    assertClose(lossWeights(pack, "clip", { known }), [0, 1 / 4, 1 / 4, 1 / 2], 1e-7);
    assertClose(lossWeights(pack, "clip", { known: [1, 1, 1, 1] }), [0, 0, 0, 0], 1e-7);
  });

  it("leave out what belongs to no clip", () => {
    const rows = new RowLayout({ rows: 2, tokens: 12, frames: 3, clips: 2, stripSize: 2, side: 3 });
    const placed = rows.place([[image], [video]]);
    assertClose(lossWeights(placed, "token"), [6 / 18, 0, 0, 0, 4 / 18, 4 / 18, 4 / 18, 0], 1e-7);
  });

  for (const weighting of ["token", "clip"] as const) {
    it(`give a clip the same share in every pack of a run, ${weighting}`, () => {
      const packs = [
        { grids: [video, image], rate: 0.25 },
        { grids: [image, image, image], rate: 0.75 },
      ];
      const divisor = meanWeight(packs, weighting);
      const [mixed, images] = packs.map(({ grids }) => lossWeights(new PackPlan(grids), weighting, { divisor }));
      assert.equal(mixed?.at(-1), images?.[0]);
      // Every token, or clip, of the run counts alike: the mean of the packs' shares is 1.
      const sum = (weights: Float32Array | undefined) => weights?.reduce((a, b) => a + b, 0) ?? Number.NaN;
      assertClose([0.25 * sum(mixed) + 0.75 * sum(images)], [1], 1e-6);
    });
  }
});
