import type { Tensor, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../base/errors.ts";
import { rotary } from "../engine/ops/index.ts";

/** Cosines and sines of each token's angles, row-major [tokens, headDim / 2]. */
export interface RopeTables {
  readonly numTokens: number;
  readonly numAngles: number;
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** The same as tensors of one traced or eager computation. L tokens, A = headDim / 2 angles. */
export interface RopeAngles {
  readonly cos_L1A: Tensor3D;
  readonly sin_L1A: Tensor3D;
}

/** Angles that each axis (t, h, w) owns of a head's `headDim / 2`: time takes what an even third leaves over. */
export function splitAngles(headDim: number): [t: number, h: number, w: number] {
  const spatial = Math.floor(headDim / 6);
  return [headDim / 2 - 2 * spatial, spatial, spatial];
}

/**
 * Tables of a 3-D rotary embedding, in float64 until the last rounding.
 * Angle i of an axis with n angles is position * theta^(-i / n). Source: arXiv:2104.09864; axis split as in Wan 2.1.
 * @param positions token positions, row-major [tokens, 3], ordered t, h, w.
 * @throws UserError when headDim is odd or below 6.
 */
export function ropeTables(positions: Int32Array, headDim: number, theta: number): RopeTables {
  if (headDim % 2 !== 0 || headDim < 6) {
    throw new UserError("rope", { expected: "an even head width of at least 6", got: String(headDim) });
  }
  const split = splitAngles(headDim);
  const frequencies = split.flatMap((n, axis) =>
    Array.from({ length: n }, (_, i) => ({ axis, frequency: theta ** (-i / n) })),
  );
  const numAngles = frequencies.length;
  const numTokens = positions.length / 3;
  const cos = new Float32Array(numTokens * numAngles);
  const sin = new Float32Array(numTokens * numAngles);
  for (let token = 0; token < numTokens; token++) {
    for (const [i, { axis, frequency }] of frequencies.entries()) {
      const angle = (positions[token * 3 + axis] ?? 0) * frequency;
      cos[token * numAngles + i] = Math.cos(angle);
      sin[token * numAngles + i] = Math.sin(angle);
    }
  }
  return { numTokens, numAngles, cos, sin };
}

/** Makes the tables constants of the computation at hand. */
export function ropeConstants({ numTokens, numAngles, cos, sin }: RopeTables): RopeAngles {
  const constant = (values: Float32Array) => tf.tensor3d(values, [numTokens, 1, numAngles]);
  return { cos_L1A: constant(cos), sin_L1A: constant(sin) };
}

/**
 * The angles of positions that are known only when the program runs: each axis' part is looked up in a table, so the
 * values are those of `ropeTables`, to the bit.
 * @param positions_L3 int32, ordered t, h, w, each below `numPositions`.
 */
export function lookUpRope(positions_L3: Tensor2D, numPositions: number, headDim: number, theta: number): RopeAngles {
  const everywhere = Int32Array.from({ length: 3 * numPositions }, (_, i) => Math.floor(i / 3));
  const { numAngles, cos, sin } = ropeTables(everywhere, headDim, theta);
  const positions = tf.split(positions_L3, 3, 1).map((axis_L1) => tf.reshape(axis_L1, [-1]));
  const lookUp = (values: Float32Array): Tensor3D => {
    const table_PA = tf.tensor2d(values, [numPositions, numAngles]);
    const axes = tf.split(table_PA, splitAngles(headDim), 1);
    const parts = axes.map((axis_PA, i) => tf.gather(axis_PA, positions[i] as Tensor));
    return tf.reshape(tf.concat(parts, 1), [-1, 1, numAngles]);
  };
  return { cos_L1A: lookUp(cos), sin_L1A: lookUp(sin) };
}

/** Turns queries or keys by their tokens' angles. Shapes: x_LHd -> LHd. */
export function rotate(x_LHd: Tensor3D, { cos_L1A, sin_L1A }: RopeAngles): Tensor3D {
  return rotary(x_LHd, cos_L1A, sin_L1A);
}
