import type { Tensor, Tensor1D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/** Layer norm over the last axis, with an optional gain and shift. Source: arXiv:1607.06450. */
export function layerNorm(x: Tensor, gain?: Tensor1D, shift?: Tensor1D, epsilon = 1e-6): Tensor {
  const centred = x.sub(x.mean(-1, true));
  const unit = centred.mul(centred.square().mean(-1, true).add(epsilon).rsqrt());
  const scaled = gain === undefined ? unit : unit.mul(gain);
  return shift === undefined ? scaled : scaled.add(shift);
}

/** Root-mean-square norm over one axis (last by default), times a gain of that axis' size. Source: arXiv:1910.07467. */
export function rmsNorm(x: Tensor, gain: Tensor1D, axis = -1, epsilon = 1e-6): Tensor {
  const at = axis < 0 ? axis + x.rank : axis;
  const gainShape = x.shape.map((side, i) => (i === at ? side : 1));
  return x.mul(x.square().mean(at, true).add(epsilon).rsqrt()).mul(tf.reshape(gain, gainShape));
}
