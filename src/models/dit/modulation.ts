import type { Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { Linear } from "../../nn/linear.ts";
import { type Params, zeros } from "../../nn/params.ts";
import type { Packing } from "../patches/packing.ts";

/**
 * The linear layer of adaLN-Zero: from the conditioning of each latent frame to `count` vectors of the model's width.
 * It starts at zero. Shapes: signal_FD -> count times ND, N the pack's strips. Source: arXiv:2212.09748, section 3.2.
 */
export class Modulation {
  readonly linear: Linear;
  readonly count: number;

  constructor(width: number, count: number, p: Params) {
    this.count = count;
    this.linear = new Linear(width, count * width, p, { init: zeros });
  }

  call(signal_FD: Tensor2D, pack: Packing): Tensor2D[] {
    return tf.split(pack.framesToStrips(this.linear.call(signal_FD)), this.count, 1);
  }
}

/** x (1 + scale) + shift, each token with its own frame's. Shapes: x_LD, shift_ND, scale_ND -> LD. */
export function modulate(x_LD: Tensor2D, shift_ND: Tensor2D, scale_ND: Tensor2D, pack: Packing): Tensor2D {
  const gain_ND = tf.add<Tensor2D>(scale_ND, 1);
  return pack.mapStrips([x_LD], [shift_ND, gain_ND], ([x_NSD], [shift_N1D, gain_N1D]) =>
    tf.add(tf.mul(x_NSD as Tensor3D, gain_N1D as Tensor3D), shift_N1D as Tensor3D),
  );
}

/** x + gate y, each token with its own frame's gate. Shapes: x_LD, gate_ND, y_LD -> LD. */
export function addGated(x_LD: Tensor2D, gate_ND: Tensor2D, y_LD: Tensor2D, pack: Packing): Tensor2D {
  return pack.mapStrips([x_LD, y_LD], [gate_ND], ([x_NSD, y_NSD], [gate_N1D]) =>
    tf.add(x_NSD as Tensor3D, tf.mul(gate_N1D as Tensor3D, y_NSD as Tensor3D)),
  );
}
