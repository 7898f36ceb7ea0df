import type { Scalar, Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { fusedKernel, isTracing, withGradient } from "./fused.ts";

/** The sum of x^2 over every element: a squared norm. Shapes: any -> []. */
export function sumSquares(x: Tensor): Scalar {
  if (!isTracing()) return tf.sum(tf.square(x));
  const output = withGradient([x], () => ({
    value: fusedKernel("SumSquares", { x }),
    save: [x],
    gradient: (dy, [saved]) => [tf.mul(saved as Tensor, dy.mul(2))],
  }));
  return output as Scalar;
}
