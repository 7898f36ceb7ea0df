import assert from "node:assert/strict";
import type { Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { lookUpRope, ropeConstants, ropeTables, rotate, splitAngles } from "../../src/nn/rope.ts";
import { assertClose, randomTensor } from "./numeric.ts";

describe("rotary embedding", () => {
  it("splits a head among time, rows and columns as Wan does: 128 -> 44, 42, 42", () => {
    assert.deepEqual(
      splitAngles(128).map((angles) => 2 * angles),
      [44, 42, 42],
    );
    assert.deepEqual(splitAngles(64), [12, 10, 10]);
  });

  it("makes the product of two tokens depend on the difference of their positions alone", () => {
    const headDim = 24;
    const q = randomTensor<Tensor3D>("q", [1, 1, headDim]);
    const k = randomTensor<Tensor3D>("k", [1, 1, headDim]);
    const at = (position: number[], x: Tensor3D) =>
      rotate(x, ropeConstants(ropeTables(Int32Array.from(position), headDim, 256)));
    const score = (a: number[], b: number[]) => tf.sum(tf.mul(at(a, q), at(b, k))).dataSync();
    assertClose(score([5, 3, 9], [2, 4, 1]), score([3, 0, 8], [0, 1, 0]), 1e-5);
    for (const axis of [0, 1, 2]) {
      const moved = [0, 0, 0].map((_, i) => (i === axis ? 1 : 0));
      const change = (score(moved, [0, 0, 0])[0] as number) - (score([0, 0, 0], [0, 0, 0])[0] as number);
      assert.ok(Math.abs(change) > 1e-2, `axis ${axis} counts`);
    }
  });

  it("turns by position * theta^(-i / n) and is exact to float32 far from the origin", () => {
    const { cos, sin } = ropeTables(Int32Array.of(100_003, 0, 0), 6, 256);
    assert.equal(cos[0], Math.fround(Math.cos(100_003)));
    assert.equal(sin[0], Math.fround(Math.sin(100_003)));
    assert.deepEqual([...cos.subarray(1)], [1, 1]);
  });

  it("names a head that has no room for three axes", () => {
    assert.throws(
      () => ropeTables(new Int32Array(3), 4, 256),
      /rope: expected an even head width of at least 6, got 4/,
    );
  });

  it("looks up by position what the tables hold, to the bit", () => {
    const positions = Int32Array.of(0, 0, 0, 6, 0, 3, 1, 5, 2, 6, 6, 6);
    const { cos_L1A, sin_L1A } = lookUpRope(tf.tensor2d(positions, [4, 3], "int32"), 7, 24, 256);
    const { cos, sin } = ropeTables(positions, 24, 256);
    assertClose(cos_L1A, cos, 0);
    assertClose(sin_L1A, sin, 0);
  });
});
