import type { Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/** To the layout of convolutions. Shapes: x_BTHWC -> BCTHW. */
export function channelsFirst(x_BTHWC: Tensor5D): Tensor5D {
  const [b, t, h, w, c] = x_BTHWC.shape;
  return tf.reshape(tf.transpose(tf.reshape(x_BTHWC, [b, t * h * w, c]), [0, 2, 1]), [b, c, t, h, w]) as Tensor5D;
}

/** To the layout of linear layers. Shapes: x_BCTHW -> BTHWC. */
export function channelsLast(x_BCTHW: Tensor5D): Tensor5D {
  const [b, c, t, h, w] = x_BCTHW.shape;
  return tf.reshape(tf.transpose(tf.reshape(x_BCTHW, [b, c, t * h * w]), [0, 2, 1]), [b, t, h, w, c]) as Tensor5D;
}
