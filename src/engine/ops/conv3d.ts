import type { Tensor, Tensor1D, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { assert } from "../../base/errors.ts";
import { isTracing } from "./fused.ts";
import { tracedCausalConv3d, tracedConv3dAfter } from "./tracedConv3d.ts";

/**
 * Causal 3-D convolution of stride 1: frame t sees frames <= t only. Time is padded with kt - 1 zero frames before
 * the first, space with (k - 1) / 2 zeros on each side. Kernel sides in space are odd.
 * Shapes: x_BITHW, w_OIDKK (D frames), b_O -> BOTHW.
 * @param before the D - 1 frames before x, in place of zeros: BI(D-1)HW. Recorded so, it has no gradient.
 */
export function causalConv3d(x_BITHW: Tensor5D, w_OIDKK: Tensor5D, b_O?: Tensor1D, before?: Tensor5D): Tensor5D {
  const depth = w_OIDKK.shape[2];
  assert(before === undefined || before.shape[2] === depth - 1, `${depth - 1} frames stand before the first`);
  if (isTracing()) {
    const y_BOTHW =
      before === undefined ? tracedCausalConv3d(x_BITHW, w_OIDKK) : tracedConv3dAfter(before, x_BITHW, w_OIDKK);
    return withBias(y_BOTHW, b_O);
  }
  const [, , , high, wide] = w_OIDKK.shape;
  const led_BITHW = before === undefined ? x_BITHW : tf.concat<Tensor>([before, x_BITHW], 2);
  const padded = tf.pad(tf.transpose(led_BITHW, [0, 2, 3, 4, 1]), [
    [0, 0],
    [before === undefined ? depth - 1 : 0, 0],
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
