import assert from "node:assert/strict";
import type { Tensor, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { PackPlan } from "../../../src/models/patches/pack.ts";
import { assertClose, randomTensor } from "../../nn/numeric.ts";

const grids = [
  { t: 3, h: 2, w: 2 },
  { t: 2, h: 3, w: 2 },
  { t: 2, h: 2, w: 3 },
  { t: 1, h: 2, w: 3 },
  { t: 1, h: 2, w: 1 },
];
const pack = new PackPlan(grids);
const packing = pack.open();

describe("PackPlan", () => {
  it("lays clips end to end and groups those of equal length", () => {
    assert.equal(pack.numTokens, 44);
    assert.equal(pack.numFrames, 9);
    assert.deepEqual(
      pack.clips.map(({ firstToken, firstFrame }) => [firstToken, firstFrame]),
      [
        [0, 0],
        [12, 3],
        [24, 5],
        [36, 7],
        [42, 8],
      ],
    );
    assert.deepEqual(pack.groups, [
      { numClips: 3, length: 12 },
      { numClips: 1, length: 6 },
      { numClips: 1, length: 2 },
    ]);
    assert.equal(pack.key, "3x2x2,2x3x2,2x2x3,1x2x3,1x2x1");
  });

  it("indexes every token's frame and position", () => {
    const rows: number[][] = [];
    let frame = 0;
    for (const { t, h, w } of grids) {
      for (let i = 0; i < t; i++, frame++)
        for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) rows.push([frame, i, y, x]);
    }
    const column = (i: number) => rows.map((row) => row[i]);
    assert.deepEqual([...pack.frameOfToken], column(0));
    assert.deepEqual(
      [...pack.positions],
      rows.flatMap((row) => row.slice(1)),
    );
    assert.deepEqual([...pack.clipOfFrame], [0, 0, 0, 1, 1, 2, 2, 3, 4]);
  });

  it("refuses grids out of order", () => {
    assert.throws(() => new PackPlan([...grids].reverse()), /sorted/);
  });

  it("meets each token with its frame's row, as a gather would, values and gradients", () => {
    const x_LD = randomTensor<Tensor2D>("x", [44, 3]);
    const f_FD = randomTensor<Tensor2D>("f", [9, 3]);
    const weight = randomTensor("weight", [44, 3]);
    const frames = tf.tensor1d(pack.frameOfToken, "int32");
    const broadcast = (x: Tensor, f: Tensor) =>
      packing
        .mapStrips([x as Tensor2D], [packing.framesToStrips(f as Tensor2D)], ([a], [b]) =>
          tf.mul(a as Tensor3D, b as Tensor3D),
        )
        .mul(weight)
        .sum();
    const gathered = (x: Tensor, f: Tensor) => x.mul(tf.gather(f, frames)).mul(weight).sum();
    const actual = tf.grads(broadcast)([x_LD, f_FD]);
    const expected = tf.grads(gathered)([x_LD, f_FD]);
    assertClose(broadcast(x_LD, f_FD), gathered(x_LD, f_FD), 1e-6);
    assertClose(actual[0] as Tensor, expected[0] as Tensor, 1e-6);
    assertClose(actual[1] as Tensor, expected[1] as Tensor, 1e-6);
  });

  it("averages over each frame and spreads clips over their frames, as segment sums would", () => {
    const x_LD = randomTensor<Tensor2D>("x", [44, 3]);
    const frames = tf.tensor1d(pack.frameOfToken, "int32");
    const sums_FD = tf.unsortedSegmentSum(x_LD, frames, 9);
    const counts_FD = tf.unsortedSegmentSum(tf.onesLike(x_LD), frames, 9);
    assertClose(packing.frameMeans(x_LD), sums_FD.sum(1).div(counts_FD.sum(1)), 1e-6);
    const c_CD = randomTensor<Tensor2D>("c", [5, 4]);
    assertClose(packing.clipsToFrames(c_CD), tf.gather(c_CD, tf.tensor1d(pack.clipOfFrame, "int32")), 1e-6);
  });
});
