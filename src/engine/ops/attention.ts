import type { Tensor, Tensor4D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/**
 * softmax(q k^T / sqrt(d) + bias) v for every batch entry and head.
 * Shapes: q_BHQd, k_BHKd, v_BHKd, bias broadcastable to B H Q K -> BHQd. Source: arXiv:1706.03762, eq. 1.
 */
export function attention(q_BHQd: Tensor4D, k_BHKd: Tensor4D, v_BHKd: Tensor4D, bias?: Tensor): Tensor4D {
  const scores = tf.matMul(q_BHQd, k_BHKd, false, true).mul(1 / Math.sqrt(q_BHQd.shape[3]));
  return tf.matMul(tf.softmax(bias === undefined ? scores : scores.add(bias)), v_BHKd) as Tensor4D;
}
