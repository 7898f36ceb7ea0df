import type { Tensor, Tensor4D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { isTracing, withGradient } from "./fused.ts";

/**
 * softmax(q k^T / sqrt(d) + bias) v for every batch entry and head.
 * Shapes: q_BHQd, k_BHKd, v_BHKd, bias broadcastable to B H Q K -> BHQd. Source: arXiv:1706.03762, eq. 1.
 */
export function attention(q_BHQd: Tensor4D, k_BHKd: Tensor4D, v_BHKd: Tensor4D, bias?: Tensor): Tensor4D {
  if (isTracing()) return traced(q_BHQd, k_BHKd, v_BHKd, bias);
  return tf.matMul(weights(q_BHQd, k_BHKd, bias), v_BHKd) as Tensor4D;
}

function weights(q_BHQd: Tensor4D, k_BHKd: Tensor4D, bias?: Tensor): Tensor {
  const scores = tf.matMul(q_BHQd, k_BHKd, false, true).mul(1 / Math.sqrt(q_BHQd.shape[3]));
  return tf.softmax(bias === undefined ? scores : scores.add(bias));
}

/**
 * With weights p and output o: dscores = p (do v^T - delta), delta = sum over d of do o, which is the softmax
 * gradient's sum at 1 / K of its cost. Source: arXiv:2205.14135, appendix B.
 */
function traced(q_BHQd: Tensor4D, k_BHKd: Tensor4D, v_BHKd: Tensor4D, bias?: Tensor): Tensor4D {
  const inputs = bias === undefined ? [q_BHQd, k_BHKd, v_BHKd] : [q_BHQd, k_BHKd, v_BHKd, bias];
  const scale = 1 / Math.sqrt(q_BHQd.shape[3]);
  const output = withGradient(inputs, () => {
    const p_BHQK = weights(q_BHQd, k_BHKd, bias);
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
