import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/**
 * The straight path from data to noise, t in [0, 1] with 1 = noise:
 * x_t = (1 - t) x0 + t eps, velocity v = dx/dt = eps - x0, x0 = x_t - t v. Source: arXiv:2209.03003, eq. 1.
 */
export function velocity<T extends Tensor>(x0: T, eps: T): T {
  return tf.sub(eps, x0);
}

/** The point at time t of the path that starts at x0 with this velocity. t is broadcast. */
export function pointAt<T extends Tensor>(x0: T, v: T, t: Tensor): T {
  return tf.add(x0, tf.mul(t, v));
}

/** What a network may put out: the velocity, or the clean latent. */
export const predictions = ["v", "x0"] as const;
export type Prediction = (typeof predictions)[number];

/** Below this time a clean-latent prediction is turned to a velocity as if the time were this. */
export const minDividingTime = 0.05;

/**
 * The velocity that a clean-latent prediction means: (x_t - x0) / max(t, 0.05).
 * Shapes: x_LP, x0_LP, t broadcastable -> LP. Source: arXiv:2511.13720, section 3 (x-prediction, v-loss).
 */
export function velocityFromClean<T extends Tensor>(x: T, x0: T, t: Tensor): T {
  return tf.div(tf.sub(x, x0), tf.maximum(t, minDividingTime));
}

/** Mean over a row's values of the squared error. Shapes: LP, LP -> LP, before any mean. */
export function squaredError(predicted_LP: Tensor2D, wanted_LP: Tensor2D): Tensor2D {
  const error_LP = tf.sub<Tensor2D>(predicted_LP, wanted_LP);
  return tf.mul(error_LP, error_LP);
}
