import type { Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { Linear } from "../../nn/linear.ts";
import { type Params, zeros } from "../../nn/params.ts";
import type { PackPlan } from "../patches/pack.ts";

/**
 * The linear layer of adaLN-Zero: from the conditioning of each latent frame to `count` vectors of the model's width.
 * It starts at zero. Shapes: signal_FD -> count times FD. Source: arXiv:2212.09748, section 3.2.
 */
export class Modulation {
  readonly linear: Linear;
  readonly count: number;

  constructor(width: number, count: number, p: Params) {
    this.count = count;
    this.linear = new Linear(width, count * width, p, zeros);
  }

  call(signal_FD: Tensor2D): Tensor2D[] {
    return tf.split(this.linear.call(signal_FD), this.count, 1);
  }
}

/** x (1 + scale) + shift, each token with its own frame's. Shapes: x_LD, shift_FD, scale_FD -> LD. */
export function modulate(x_LD: Tensor2D, shift_FD: Tensor2D, scale_FD: Tensor2D, pack: PackPlan): Tensor2D {
  const gain_FD = tf.add<Tensor2D>(scale_FD, 1);
  return pack.mapFrames([x_LD], [shift_FD, gain_FD], ([x_FSD], [shift_F1D, gain_F1D]) =>
    tf.add(tf.mul(x_FSD as Tensor3D, gain_F1D as Tensor3D), shift_F1D as Tensor3D),
  );
}

/** x + gate y, each token with its own frame's gate. Shapes: x_LD, gate_FD, y_LD -> LD. */
export function addGated(x_LD: Tensor2D, gate_FD: Tensor2D, y_LD: Tensor2D, pack: PackPlan): Tensor2D {
  return pack.mapFrames([x_LD, y_LD], [gate_FD], ([x_FSD, y_FSD], [gate_F1D]) =>
    tf.add(x_FSD as Tensor3D, tf.mul(gate_F1D as Tensor3D, y_FSD as Tensor3D)),
  );
}
