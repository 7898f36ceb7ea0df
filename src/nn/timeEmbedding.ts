import type { Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { silu } from "../engine/ops/index.ts";
import { Linear } from "./linear.ts";
import { normal, type Params } from "./params.ts";

const numFrequencies = 128;
const maxPeriod = 10_000;
/** Times live in [0, 1]; the sinusoids were tuned for steps 0 to 1000. */
const timeScale = 1000;

/**
 * Times to vectors: sinusoids, then a two-layer MLP.
 * Shapes: t_F in [0, 1] -> [F, D]. Source: arXiv:2212.09748, `TimestepEmbedder`.
 */
export class TimeEmbedding {
  readonly in: Linear;
  readonly out: Linear;

  constructor(width: number, p: Params) {
    this.in = new Linear(2 * numFrequencies, width, p.at("in"), { init: normal(0.02) });
    this.out = new Linear(width, width, p.at("out"), { init: normal(0.02) });
  }

  call(t_F: Tensor1D): Tensor2D {
    return this.out.call(silu(this.in.call(sinusoids(t_F))));
  }
}

/** cos(1000 t w_i) for all i, then sin(1000 t w_i), with w_i = 10000^(-i / 128). Shapes: t_F -> [F, 256]. */
export function sinusoids(t_F: Tensor1D): Tensor2D {
  const frequencies = Float32Array.from(
    { length: numFrequencies },
    (_, i) => timeScale * maxPeriod ** (-i / numFrequencies),
  );
  const angles = tf.mul<Tensor2D>(tf.reshape(t_F, [-1, 1]), tf.tensor2d(frequencies, [1, numFrequencies]));
  return tf.concat2d([tf.cos(angles), tf.sin(angles)], 1);
}
