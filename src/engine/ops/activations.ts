import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { fusedKernel, isTracing, withGradient } from "./fused.ts";

/** sqrt(2 / pi), and the cubic term's factor. */
const GELU_SCALE = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;

/** x sigmoid(x). */
export function silu<T extends Tensor>(x: T): T {
  return (isTracing() ? tracedSilu(x) : x.mul(tf.sigmoid(x))) as T;
}

/** GELU in its tanh form. Source: arXiv:1606.08415, section 2. */
export function gelu<T extends Tensor>(x: T): T {
  if (isTracing()) return tracedGelu(x) as T;
  const inner = x.add(x.mul(x).mul(x).mul(GELU_CUBIC)).mul(GELU_SCALE);
  return x.mul(tf.tanh(inner).add(1)).mul(0.5) as T;
}

/** dy (s + y - y s), with s = sigmoid(x) computed again rather than kept. */
function tracedSilu(input: Tensor): Tensor {
  return withGradient([input], () => {
    const value = fusedKernel("Silu", { x: input });
    return {
      value,
      save: [input, value],
      gradient: (dy, [x, y]) => {
        const s = tf.sigmoid(x as Tensor);
        return [tf.add(s, tf.sub(y as Tensor, tf.mul(y as Tensor, s))).mul(dy)];
      },
    };
  });
}

/**
 * gelu(x) = x s with s = sigmoid(b x) and b = 2 sqrt(2 / pi) (1 + 0.044715 x^2): its slope is s (1 + (x - y) (3 b - c)).
 * The factor 3 is taken out last: the products that follow take it in.
 */
function tracedGelu(input: Tensor): Tensor {
  return withGradient([input], () => {
    const value = fusedKernel("Gelu", { x: input });
    return {
      value,
      save: [input, value],
      gradient: (dy, saved) => {
        const [x, y] = saved as [Tensor, Tensor];
        const b = tf
          .mul(x, x)
          .mul(2 * GELU_SCALE * GELU_CUBIC)
          .add(2 * GELU_SCALE);
        const s = tf.sigmoid(b.mul(x));
        const third = tf
          .sub(x, y)
          .mul(b.sub((4 / 3) * GELU_SCALE))
          .add(1 / 3);
        return [third.mul(s).mul(dy).mul(3)];
      },
    };
  });
}
