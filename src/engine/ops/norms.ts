import type { Tensor, Tensor1D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { fusedKernels, isTracing, withGradient } from "./fused.ts";

/** Layer norm over the last axis, with an optional gain and shift. Source: arXiv:1607.06450. */
export function layerNorm(x: Tensor, gain?: Tensor1D, shift?: Tensor1D, epsilon = 1e-6): Tensor {
  const unit = isTracing() ? tracedUnit(x, epsilon) : eagerUnit(x, epsilon);
  const scaled = gain === undefined ? unit : unit.mul(gain);
  return shift === undefined ? scaled : scaled.add(shift);
}

/** Root-mean-square norm over one axis (last by default), times a gain of that axis' size. Source: arXiv:1910.07467. */
export function rmsNorm(x: Tensor, gain: Tensor1D, axis = -1, epsilon = 1e-6): Tensor {
  const at = axis < 0 ? axis + x.rank : axis;
  if (isTracing()) return tracedRms(x, gain, at, epsilon);
  const gainShape = x.shape.map((side, i) => (i === at ? side : 1));
  return x.mul(x.square().mean(at, true).add(epsilon).rsqrt()).mul(tf.reshape(gain, gainShape));
}

function eagerUnit(x: Tensor, epsilon: number): Tensor {
  const centred = x.sub(x.mean(-1, true));
  return centred.mul(centred.square().mean(-1, true).add(epsilon).rsqrt());
}

/** The gradient needs only the result u and 1 / deviation: (dy - mean(dy) - u mean(dy u)) / deviation. */
function tracedUnit(input: Tensor, epsilon: number): Tensor {
  return withGradient([input], () => {
    const [value, , scale] = fusedKernels("LayerNorm", { x: input }, { epsilon }) as [Tensor, Tensor, Tensor];
    return {
      value,
      save: [value, scale],
      gradient: (dy, [u, inverse]) => {
        const along = tf.mul(dy, u as Tensor).mean(-1, true);
        const centred = dy.sub(dy.mean(-1, true));
        return [centred.sub(tf.mul(u as Tensor, along)).mul(inverse as Tensor)];
      },
    };
  });
}

/** With r = 1 / rms, u = x r, e = dy u and n channels: dx = r (dy gain - u sum(e gain) / n), dgain = sum of e. */
function tracedRms(input: Tensor, gain: Tensor1D, axis: number, epsilon: number): Tensor {
  const gainShape = input.shape.map((side, i) => (i === axis ? side : 1));
  const others = input.shape.map((_, i) => i).filter((i) => i !== axis);
  return withGradient([input, gain], () => {
    const [value, inverse] =
      axis === input.rank - 1
        ? (fusedKernels("RmsNorm", { x: input, gain }, { epsilon }) as [Tensor, Tensor])
        : rmsAlong(input, tf.reshape(gain, gainShape), axis, epsilon);
    return {
      value,
      save: [input, gain, inverse],
      gradient: (dy, saved) => {
        const [x, w, r] = saved as [Tensor, Tensor, Tensor];
        const unit = tf.mul(x, r);
        const met = tf.mul(dy, unit);
        const along = weightedSum(met, tf.div(w, w.size), axis);
        const towards = tf.mul(dy, tf.reshape(w, gainShape));
        return [tf.mul(towards.sub(tf.mul(unit, along)), r), tf.sum(met, others)];
      },
    };
  });
}

function rmsAlong(x: Tensor, gain: Tensor, axis: number, epsilon: number): [Tensor, Tensor] {
  const side = x.shape[axis] as number;
  const meanSquare = weightedSum(x.square(), tf.fill([side], 1 / side), axis);
  const inverse = meanSquare.add(epsilon).rsqrt();
  return [x.mul(inverse).mul(gain), inverse];
}

/** The sum along one axis, which stays as 1, of x times that axis' weights: a product, faster than a reduction. */
function weightedSum(x: Tensor, weights: Tensor, axis: number): Tensor {
  const shape = x.shape.map((side, i) => (i === axis ? 1 : side));
  const side = weights.size;
  if (axis === x.rank - 1) return tf.matMul(tf.reshape(x, [-1, side]), tf.reshape(weights, [side, 1])).reshape(shape);
  const before = x.shape.slice(0, axis).reduce((product, length) => product * length, 1);
  const x_ACS = tf.reshape(x, [before, side, -1]);
  return tf.matMul(tf.reshape(weights, [1, side]), x_ACS).reshape(shape);
}
