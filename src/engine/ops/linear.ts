import type { Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/** x w + b over the last axis. Shapes: x [..., I], w_IO, b_O -> [..., O]. */
export function linear(x: Tensor, w_IO: Tensor2D, b_O?: Tensor1D): Tensor {
  const [numIn, numOut] = w_IO.shape;
  const y_RO = tf.matMul(x.reshape([-1, numIn]) as Tensor2D, w_IO);
  return (b_O === undefined ? y_RO : y_RO.add(b_O)).reshape([...x.shape.slice(0, -1), numOut]);
}
