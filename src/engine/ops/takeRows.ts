import type { Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { isTracing, withGradient } from "./fused.ts";

/**
 * Rows by their indices. The gradient is a product with a one-hot matrix, however many rows there are: it is quicker
 * than scattering them and adds them up in one order.
 * Shapes: x_RE, rows_N (int32, in range) -> NE.
 */
export function takeRows(x_RE: Tensor2D, rows_N: Tensor1D): Tensor2D {
  if (!isTracing()) return tf.gather(x_RE, rows_N);
  const numRows = x_RE.shape[0];
  const output = withGradient([x_RE], () => ({
    value: tf.gather(x_RE, rows_N),
    save: [rows_N],
    gradient: (dy_NE, [rows]) => [tf.matMul(oneHot(rows as Tensor1D, numRows), dy_NE, true)],
  }));
  return output as Tensor2D;
}

/** A one in each row at its index. Shapes: indices_N (int32) -> [N, count], float32. */
export function oneHot(indices_N: Tensor1D, count: number): Tensor {
  const columns = tf.tensor2d(
    Int32Array.from({ length: count }, (_, i) => i),
    [1, count],
  );
  return tf.cast(tf.equal(tf.reshape(indices_N, [-1, 1]), columns), "float32");
}
