import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import type { TensorFn } from "../engine/engine.ts";

export const muonSchema = z.strictObject({
  momentum: z.number().min(0).lt(1).default(0.95).describe("Decay of the sum of gradients. 0.95: as published."),
  iterations: z
    .int()
    .min(1)
    .max(10)
    .default(5)
    .describe(
      "Newton-Schulz iterations that bring singular values near 1. 5: as published; 3 learn as well here, for less.",
    ),
});
export type MuonConfig = z.output<typeof muonSchema>;

/** Root mean square of AdamW's steps, in units of lr, that a matrix's step is brought to. Source: arXiv:2502.16982, section 2.2. */
const STEP_RMS = 0.2;

/** Of the odd polynomial a x + b x^3 + c x^5, steep at 0. Source: K. Jordan, Muon (2024). */
const [A, B, C] = [3.4445, -4.775, 2.0315];

/** Least ratio of sides from which `iterateOnGram` has fewer multiplications: (4 k - 3 + 2 r) n^3 for k (2 r + 1) n^3. */
const GRAM_RATIO = 1.5;

/** Factors that x is multiplied by at once. Each multiplies what rounding left in x x^T by 12: ten would overwhelm it. */
const MOST_FACTORS = 5;

/**
 * The matrix of the same singular vectors whose singular values are about 1: within [0.7, 1.2] after 5 iterations, for
 * those above 0.01 of the Frobenius norm or so. Shapes: x_MN -> MN.
 */
export function orthogonalized(x_MN: Tensor2D, iterations: number): Tensor2D {
  const tall = x_MN.shape[0] > x_MN.shape[1];
  const flat = tall ? tf.transpose(x_MN) : x_MN;
  const x = tf.div(flat, tf.add(tf.sqrt(tf.sum(tf.square(flat))), 1e-7)) as Tensor2D;
  const [rows, columns] = x.shape;
  const y = columns < GRAM_RATIO * rows ? iterate(x, iterations) : iterateOnGram(x, iterations);
  return tall ? tf.transpose(y) : y;
}

/** x -> (a + b x x^T + c (x x^T)^2) x, again and again. Shapes: x_MN -> MN. */
function iterate(x_MN: Tensor2D, iterations: number): Tensor2D {
  let x = x_MN;
  for (let i = 0; i < iterations; i++) {
    const gram = tf.matMul(x, x, false, true);
    const factor = tf.add(tf.mul(gram, B), tf.mul(tf.matMul(gram, gram), C)) as Tensor2D;
    x = tf.add(tf.mul(x, A), tf.matMul(factor, x));
  }
  return x;
}

/**
 * The same for a wide matrix: every factor is a polynomial of the first x x^T, so they commute, and x itself is
 * multiplied by a product of them. Shapes: x_MN -> MN.
 */
function iterateOnGram(x_MN: Tensor2D, iterations: number): Tensor2D {
  const unit = tf.mul(tf.eye(x_MN.shape[0]), A);
  const factorOf = (gram: Tensor): Tensor2D => tf.add(unit, tf.add(tf.mul(gram, B), tf.mul(tf.matMul(gram, gram), C)));
  let x = x_MN;
  for (let done = 0; done < iterations; done += MOST_FACTORS) {
    const numFactors = Math.min(MOST_FACTORS, iterations - done);
    let gram: Tensor = tf.matMul(x, x, false, true);
    let factor = factorOf(gram);
    let product = factor;
    for (let i = 1; i < numFactors; i++) {
      gram = tf.matMul(tf.matMul(factor, gram), factor);
      factor = factorOf(gram);
      product = tf.matMul(factor, product);
    }
    x = tf.matMul(product, x);
  }
  return x;
}

/**
 * Muon's update of one matrix, and the EMA, with Nesterov's momentum. Shapes: M N each, scalars apart.
 * The scalars are AdamW's; lr is its learning rate.
 * Source: K. Jordan, Muon (2024); size of steps and weight decay after arXiv:2502.16982, eq. 4.
 */
export function muonUpdate({ momentum, iterations }: MuonConfig): TensorFn {
  return (x) => {
    const t = x as Record<"params" | "moment1" | "ema" | "grad" | "gradScale" | "lr" | "keep" | "emaDecay", Tensor>;
    const grad = tf.mul(t.grad, t.gradScale);
    const moment1 = tf.add(tf.mul(t.moment1, momentum), grad);
    const ahead = tf.add(tf.mul(moment1, momentum), grad) as Tensor2D;
    const size = STEP_RMS * Math.sqrt(Math.max(...ahead.shape));
    const step = tf.mul(orthogonalized(ahead, iterations), tf.mul(t.lr, size));
    const params = tf.sub(tf.mul(t.params, t.keep), step);
    const ema = tf.add(params, tf.mul(tf.sub(t.ema, params), t.emaDecay));
    return { newParams: params, newMoment1: moment1, newEma: ema };
  };
}
