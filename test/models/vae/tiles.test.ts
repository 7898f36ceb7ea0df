import assert from "node:assert/strict";
import type { Tensor, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { reachOf, tilesOf } from "../../../src/models/vae/tiles.ts";
import { Vae } from "../../../src/models/vae/vae.ts";
import { bindParams } from "../../../src/nn/params.ts";
import { liveWeights, twoLevels } from "./codecSetting.ts";

describe("tiles", () => {
  const weights = Object.entries(liveWeights(twoLevels)).map(([path, { data, shape }]): [string, Tensor] => [
    path,
    tf.tensor(data, [...shape]),
  ]);
  const model = new Vae(twoLevels, bindParams(Object.fromEntries(weights)));

  /** How many rows and columns from the middle cell a change of it shows. */
  function spread(before: Tensor, after: Tensor, perCell: number, middle: number): { h: number; w: number } {
    const changed = tf.notEqual(before, after).any([1, 4]).arraySync() as unknown as boolean[][][];
    const far = { h: 0, w: 0 };
    changed[0]?.forEach((row, y) => {
      row.forEach((differs, x) => {
        const from = (at: number) => Math.abs(Math.floor(at / perCell) - middle);
        if (differs) {
          far.h = Math.max(far.h, from(y));
          far.w = Math.max(far.w, from(x));
        }
      });
    });
    return far;
  }

  it("reach as far as a change of one cell shows", () => {
    const [side, middle] = [15, 7];
    const z = tf.randomNormal([1, 2, side, side, 4], 0, 1, "float32", 3) as Tensor5D;
    const one = tf.oneHot(tf.tensor1d([middle * side + middle], "int32"), side * side).reshape([1, 1, side, side, 1]);
    const decoded = spread(model.decode(z), model.decode(tf.add(z, one) as Tensor5D), 4, middle);
    const video = model.decode(z);
    const cell = tf.image.resizeNearestNeighbor(one.reshape([1, side, side, 1]) as tf.Tensor4D, [4 * side, 4 * side]);
    const changed = tf.add(video, cell.reshape([1, 1, 4 * side, 4 * side, 1])) as Tensor5D;
    const encoded = spread(model.encode(video).mean, model.encode(changed).mean, 1, middle);
    assert.deepEqual(reachOf(twoLevels), { h: 3, w: 5 });
    assert.deepEqual(decoded, { h: 3, w: 5 });
    assert.deepEqual(encoded, { h: 3, w: 5 });
  });

  it("cover each cell once, read the reach around it, and are no larger than asked for where that allows", () => {
    const side = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 400_000 }), (h, w, maxPixels) => {
        const reach = reachOf(twoLevels);
        const tiles = tilesOf(twoLevels, { h, w }, maxPixels);
        const covered = new Uint8Array(h * w);
        for (const { h: row, w: column } of tiles) {
          for (let y = row.keep.start; y < row.keep.start + row.keep.size; y++) {
            for (let x = column.keep.start; x < column.keep.start + column.keep.size; x++) {
              covered[y * w + x] = (covered[y * w + x] as number) + 1;
            }
          }
          for (const [size, margin, { read, keep }] of [
            [h, reach.h, row],
            [w, reach.w, column],
          ] as const) {
            assert.ok(read.start >= 0 && read.start + read.size <= size);
            assert.ok(read.start <= Math.max(0, keep.start - margin));
            assert.ok(read.start + read.size >= Math.min(size, keep.start + keep.size + margin));
          }
        }
        assert.ok(covered.every((count) => count === 1));
        const [first] = tiles;
        const most = Math.max(maxPixels / 16, 16 * reach.h * reach.w, 4 * reach.h * w, 4 * reach.w * h);
        assert.ok(first !== undefined && first.h.read.size * first.w.read.size <= most);
        assert.equal(new Set(tiles.map(({ h: row, w: column }) => `${row.read.size}x${column.read.size}`)).size, 1);
      }),
      { numRuns: 300 },
    );
  });

  it("are one where the frame is small enough", () => {
    assert.equal(tilesOf(twoLevels, { h: 16, w: 16 }, 64 * 64).length, 1);
    assert.equal(tilesOf(twoLevels, { h: 64, w: 64 }, 128 * 128).length, 9);
    assert.equal(tilesOf(twoLevels, { h: 4, w: 256 }, 64 * 64).length, 5);
  });
});
