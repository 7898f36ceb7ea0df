import type { Tensor, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { fusedKernel, isTracing, withGradient } from "./fused.ts";

/**
 * Rotary embedding: turns each head's halves by the token's angles, (a, b) -> (a cos - b sin, b cos + a sin).
 * Angle i turns the pair (i, i + d/2). The tables are constants: no gradient flows to them.
 * Shapes: x_LHd, cos_L1A and sin_L1A with A = d / 2 -> LHd. Source: arXiv:2104.09864, eq. 34.
 */
export function rotary(x_LHd: Tensor3D, cos_L1A: Tensor3D, sin_L1A: Tensor3D): Tensor3D {
  if (isTracing()) return traced(x_LHd, cos_L1A, sin_L1A);
  const [a, b] = tf.split(x_LHd, 2, 2) as [Tensor3D, Tensor3D];
  const turnedA = tf.sub<Tensor3D>(tf.mul(a, cos_L1A), tf.mul(b, sin_L1A));
  const turnedB = tf.add<Tensor3D>(tf.mul(b, cos_L1A), tf.mul(a, sin_L1A));
  return tf.concat3d([turnedA, turnedB], 2);
}

/** The gradient turns back: the same with -sin. */
function traced(x_LHd: Tensor3D, cos_L1A: Tensor3D, sin_L1A: Tensor3D): Tensor3D {
  const output = withGradient([x_LHd], () => ({
    value: fusedKernel("Rotary", { x: x_LHd, cos: cos_L1A, sin: sin_L1A }),
    save: [cos_L1A, sin_L1A],
    gradient: (dy, [cos, sin]) => [fusedKernel("Rotary", { x: dy, cos, sin: tf.neg(sin as Tensor) })],
  }));
  return output as Tensor3D;
}
