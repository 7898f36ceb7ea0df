import type { Scalar, Tensor, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import type { Posterior } from "./vaeEncoder.ts";

const charbonnierWidth = 1e-3;

export const vaeLossSchema = z.strictObject({
  pixel: z
    .enum(["l1", "charbonnier", "l2"])
    .default("l1")
    .describe("Penalty of a pixel's error; l2 favours PSNR, l1 sharpness. Mean over all values."),
  squared: z
    .number()
    .nonnegative()
    .default(4)
    .describe("Weight of the squared error beside the pixel penalty, mean over all values; without it PSNR can fall."),
  gradient: z
    .number()
    .nonnegative()
    .default(0.5)
    .describe("Weight of the L1 error of differences between neighbours in time, rows and columns; keeps edges."),
  kl: z
    .number()
    .nonnegative()
    .default(1e-5)
    .describe("Weight of the KL divergence from a unit normal, mean over latent values."),
  foreground: z
    .number()
    .nonnegative()
    .default(0)
    .describe("How much more a pixel counts the farther it is from its clip's mean colour; 0 for alike."),
});
export type VaeLossConfig = z.output<typeof vaeLossSchema>;

/** Scalars. loss = pixel + the others times their weights; a term of weight zero is left out. */
export type VaeLossTerms = { loss: Scalar; pixel: Scalar; squared?: Scalar; gradient?: Scalar; kl?: Scalar };

/** The autoencoder's loss. Shapes: decoded and video BTHWC in [-1, 1]; posterior Bthwz. */
export function vaeLoss(
  cfg: VaeLossConfig,
  decoded_BTHWC: Tensor5D,
  video_BTHWC: Tensor5D,
  posterior: Posterior,
): VaeLossTerms {
  const error_BTHWC = tf.sub<Tensor5D>(decoded_BTHWC, video_BTHWC);
  const penalty_BTHWC = pixelPenalty(cfg.pixel, error_BTHWC);
  const pixel =
    cfg.foreground === 0
      ? tf.mean<Scalar>(penalty_BTHWC)
      : tf.mean<Scalar>(tf.mul(penalty_BTHWC, foregroundWeight(video_BTHWC, cfg.foreground)));
  const terms: VaeLossTerms = { loss: pixel, pixel };
  if (cfg.squared > 0) {
    terms.squared = tf.mean<Scalar>(tf.mul(error_BTHWC, error_BTHWC));
    terms.loss = tf.add(terms.loss, tf.mul(terms.squared, cfg.squared));
  }
  if (cfg.gradient > 0) {
    terms.gradient = gradientLoss(error_BTHWC);
    terms.loss = tf.add(terms.loss, tf.mul(terms.gradient, cfg.gradient));
  }
  if (cfg.kl > 0) {
    terms.kl = klDivergence(posterior);
    terms.loss = tf.add(terms.loss, tf.mul(terms.kl, cfg.kl));
  }
  return terms;
}

function pixelPenalty(kind: VaeLossConfig["pixel"], error: Tensor5D): Tensor5D {
  if (kind === "l1") return tf.abs(error);
  const squared = tf.mul<Tensor5D>(error, error);
  return kind === "l2" ? squared : tf.sqrt(tf.add<Tensor5D>(squared, charbonnierWidth ** 2));
}

/**
 * 1 + strength * deviation / (the clip's mean deviation), scaled to a mean of 1 in every clip; the deviation of a pixel
 * is its mean absolute difference from the clip's mean colour. Shapes: video_BTHWC -> BTHW1.
 */
export function foregroundWeight(video_BTHWC: Tensor5D, strength: number): Tensor {
  const colour_B111C = tf.mean(video_BTHWC, [1, 2, 3], true);
  const deviation_BTHW1 = tf.mean(tf.abs(tf.sub(video_BTHWC, colour_B111C)), 4, true);
  const typical_B1111 = tf.add(tf.mean(deviation_BTHW1, [1, 2, 3], true), 1e-6);
  return tf.div(tf.add(tf.mul(tf.div(deviation_BTHW1, typical_B1111), strength), 1), 1 + strength);
}

/** Mean absolute difference of the error between neighbours, mean over the axes (time, rows, columns) that have any. */
export function gradientLoss(error_BTHWC: Tensor5D): Scalar {
  const axes = [1, 2, 3].filter((axis) => (error_BTHWC.shape[axis] as number) > 1);
  const terms = axes.map((axis) => tf.mean<Scalar>(tf.abs(differences(error_BTHWC, axis))));
  return tf.div(
    terms.reduce((sum, term) => tf.add(sum, term), tf.scalar(0)),
    Math.max(1, axes.length),
  );
}

/** Each cell minus the one before it along an axis. */
function differences(x: Tensor5D, axis: number): Tensor5D {
  const begin = x.shape.map(() => 0);
  const size = x.shape.map((side, i) => (i === axis ? side - 1 : side));
  const next = begin.map((_, i) => (i === axis ? 1 : 0));
  return tf.sub(tf.slice(x, next, size), tf.slice(x, begin, size));
}

/** KL(N(mean, exp(logvar)) || N(0, 1)), mean over latent values. Source: arXiv:1312.6114, appendix B. */
export function klDivergence({ mean, logvar }: Posterior): Scalar {
  const spread = tf.sub(tf.exp(logvar), logvar);
  return tf.mul(tf.mean(tf.sub(tf.add(tf.mul(mean, mean), spread), 1)), 0.5);
}
