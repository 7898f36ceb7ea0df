import type { Tensor, Tensor1D, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { isTracing } from "./fused.ts";
import { tracedCausalConv3d } from "./tracedConv3d.ts";

/**
 * Causal 3-D convolution of stride 1: frame t sees frames <= t only. Time is padded with kt - 1 zero frames before
 * the first, space with (k - 1) / 2 zeros on each side. Kernel sides in space are odd.
 * Shapes: x_BITHW, w_OIDKK (D frames), b_O -> BOTHW.
 */
export function causalConv3d(x_BITHW: Tensor5D, w_OIDKK: Tensor5D, b_O?: Tensor1D): Tensor5D {
  if (isTracing()) return withBias(tracedCausalConv3d(x_BITHW, w_OIDKK), b_O);
  const [, , depth, high, wide] = w_OIDKK.shape;
  const x_BTHWI = tf.transpose(x_BITHW, [0, 2, 3, 4, 1]);
  const padded = tf.pad(x_BTHWI, [
    [0, 0],
    [depth - 1, 0],
    [(high - 1) / 2, (high - 1) / 2],
    [(wide - 1) / 2, (wide - 1) / 2],
    [0, 0],
  ]);
  const w_DKKIO = tf.transpose(w_OIDKK, [2, 3, 4, 1, 0]);
  const y_BTHWO = tf.conv3d(padded as Tensor5D, w_DKKIO as Tensor5D, 1, "valid");
  return withBias(tf.transpose(y_BTHWO, [0, 4, 1, 2, 3]), b_O);
}

function withBias(y_BOTHW: Tensor, b_O?: Tensor1D): Tensor5D {
  return (b_O === undefined ? y_BOTHW : y_BOTHW.add(tf.reshape(b_O, [-1, 1, 1, 1]))) as Tensor5D;
}
