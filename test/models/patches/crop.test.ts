import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import type { Grid } from "../../../src/base/grid.ts";
import { cropLatent } from "../../../src/models/patches/crop.ts";

const whole: Grid = { t: 4, h: 5, w: 6 };
const latent_thwz = Float32Array.from({ length: 4 * 5 * 6 * 3 }, (_, i) => i);

describe("cropLatent", () => {
  it("takes the first frames and the middle of each, as a slice of the volume does", () => {
    for (const [part, top, left] of [
      [{ t: 2, h: 5, w: 6 }, 0, 0],
      [{ t: 4, h: 3, w: 6 }, 1, 0],
      [{ t: 1, h: 2, w: 3 }, 1, 1],
      [{ t: 3, h: 4, w: 2 }, 0, 2],
    ] as const) {
      const volume = tf.tensor4d(latent_thwz, [4, 5, 6, 3]);
      const expected = tf.slice(volume, [0, top, left, 0], [part.t, part.h, part.w, 3]).dataSync();
      assert.deepEqual(cropLatent(latent_thwz, whole, part), Float32Array.from(expected));
    }
  });

  it("takes frames from further on", () => {
    const volume = tf.tensor4d(latent_thwz, [4, 5, 6, 3]);
    const expected = tf.slice(volume, [1, 0, 2, 0], [3, 4, 2, 3]).dataSync();
    assert.deepEqual(cropLatent(latent_thwz, whole, { t: 3, h: 4, w: 2 }, 1), Float32Array.from(expected));
    assert.throws(() => cropLatent(latent_thwz, whole, { t: 3, h: 4, w: 2 }, 2), /3x4x2 is a part of 4x5x6/);
  });

  it("gives a whole latent back as it is, and no more than there is", () => {
    assert.equal(cropLatent(latent_thwz, whole, whole), latent_thwz);
    assert.throws(() => cropLatent(latent_thwz, whole, { t: 5, h: 1, w: 1 }), /5x1x1 is a part of 4x5x6/);
  });
});
