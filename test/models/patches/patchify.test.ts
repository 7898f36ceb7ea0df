import assert from "node:assert/strict";
import { patchify, patchWidth, tokenGrid, unpatchify } from "../../../src/models/patches/patchify.ts";

describe("patchify", () => {
  const latent = { t: 2, h: 4, w: 6 };
  const patch = [2, 2, 3] as const;
  const values = Float32Array.from({ length: 2 * 4 * 6 * 2 }, (_, i) => i);

  it("puts the cells of a patch into one token, in order t, h, w, channel", () => {
    const tokens = patchify(values, latent, patch);
    const cell = (t: number, h: number, w: number, c: number) => ((t * 4 + h) * 6 + w) * 2 + c;
    const width = patchWidth(patch, 2);
    for (let row = 0; row < 2; row++) {
      for (let column = 0; column < 2; column++) {
        const expected: number[] = [];
        for (let t = 0; t < 2; t++)
          for (let h = 0; h < 2; h++)
            for (let w = 0; w < 3; w++)
              for (let c = 0; c < 2; c++) expected.push(cell(t, row * 2 + h, column * 3 + w, c));
        const token = row * 2 + column;
        assert.deepEqual([...tokens.subarray(token * width, (token + 1) * width)], expected);
      }
    }
  });

  it("is undone by unpatchify", () => {
    assert.deepEqual(unpatchify(patchify(values, latent, patch), latent, patch), values);
  });

  it("names a grid that the patch does not divide", () => {
    assert.deepEqual(tokenGrid(latent, patch), { t: 1, h: 2, w: 2 });
    assert.throws(() => tokenGrid(latent, [1, 3, 2]), /patch: expected a latent grid that 1x3x2 divides, got 2x4x6/);
  });
});
