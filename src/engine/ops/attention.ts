import type { Tensor, Tensor4D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { isTracing, withGradient } from "./fused.ts";

/** A bias for what may not be attended to. Weights where the bias is below half of it are exactly 0. */
export const APART = -1e9;

/** Scores this far below a row's largest weigh nothing in float32: the row's sum is 1 or more. */
const NEGLIGIBLE = 70;

/**
 * softmax(q k^T / sqrt(d) + bias) v for every batch entry and head.
 * Shapes: q_BHQd, k_BHKd, v_BHKd, bias broadcastable to B H Q K -> BHQd. Source: arXiv:1706.03762, eq. 1.
 */
export function attention(q_BHQd: Tensor4D, k_BHKd: Tensor4D, v_BHKd: Tensor4D, bias?: Tensor): Tensor4D {
  if (isTracing()) return traced(q_BHQd, k_BHKd, v_BHKd, bias);
  return tf.matMul(weights(q_BHQd, k_BHKd, bias), v_BHKd) as Tensor4D;
}

function weights(q_BHQd: Tensor4D, k_BHKd: Tensor4D, bias?: Tensor): Tensor {
  const scores = scoresOf(q_BHQd, k_BHKd);
  return tf.softmax(bias === undefined ? scores : scores.add(bias));
}

function scoresOf(q_BHQd: Tensor4D, k_BHKd: Tensor4D): Tensor {
  return tf.matMul(q_BHQd, k_BHKd, false, true).mul(1 / Math.sqrt(q_BHQd.shape[3]));
}

/**
 * The same weights, six times as fast where much is apart: exponentials of very negative scores are denormal numbers,
 * which processors compute slowly. So scores are kept from falling that far, and what is apart is set to 0 afterwards.
 */
function tracedWeights(q_BHQd: Tensor4D, k_BHKd: Tensor4D, bias?: Tensor): Tensor {
  const scores = scoresOf(q_BHQd, k_BHKd);
  if (bias === undefined) return tf.softmax(scores);
  const biased = scores.add(bias);
  const lowest = biased.max(-1, true).sub(NEGLIGIBLE);
  return tf.softmax(tf.maximum(biased, lowest)).mul(tf.cast(tf.greater(bias, APART / 2), "float32"));
}

/**
 * With weights p and output o: dscores = p (do v^T - delta), delta = sum over d of do o, which is the softmax
 * gradient's sum at 1 / K of its cost. Source: arXiv:2205.14135, appendix B.
 */
function traced(q_BHQd: Tensor4D, k_BHKd: Tensor4D, v_BHKd: Tensor4D, bias?: Tensor): Tensor4D {
  const inputs = bias === undefined ? [q_BHQd, k_BHKd, v_BHKd] : [q_BHQd, k_BHKd, v_BHKd, bias];
  const scale = 1 / Math.sqrt(q_BHQd.shape[3]);
  const output = withGradient(inputs, () => {
    const p_BHQK = tracedWeights(q_BHQd, k_BHKd, bias);
    const value = tf.matMul(p_BHQK, v_BHKd);
    return {
      value,
      save: [q_BHQd, k_BHKd, v_BHKd, p_BHQK, value],
      gradient: (dy, saved) => {
        const [q, k, v, p, o] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
        const delta = tf.mul(dy, o).sum(-1, true);
        const dscores = tf.mul(p, tf.matMul(dy, v, false, true).sub(delta));
        const dq = tf.matMul(dscores, k).mul(scale);
        const dk = tf.matMul(dscores, q, true, false).mul(scale);
        const dv = tf.matMul(p, dy, true, false);
        return bias === undefined ? [dq, dk, dv] : [dq, dk, dv, sumTo(dscores, bias.shape)];
      },
    };
  });
  return output as Tensor4D;
}

/** The gradient of what was broadcast from `shape`: summed over the axes that were repeated. */
function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  const extra = x.rank - shape.length;
  const repeated = x.shape.map((_, axis) => axis).filter((axis) => (shape[axis - extra] ?? 1) !== x.shape[axis]);
  const axes = repeated.filter((axis) => axis < extra || shape[axis - extra] === 1);
  return tf.reshape(axes.length === 0 ? x : tf.sum(x, axes), [...shape]);
}
