import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/** x sigmoid(x). */
export function silu<T extends Tensor>(x: T): T {
  return x.mul(tf.sigmoid(x)) as T;
}

/** GELU in its tanh form. Source: arXiv:1606.08415, section 2. */
export function gelu<T extends Tensor>(x: T): T {
  const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
  return x.mul(tf.tanh(inner).add(1)).mul(0.5) as T;
}
