import { z } from "zod";

export const minSnrSchema = z
  .number()
  .positive()
  .exactOptional()
  .describe(
    "Min-SNR gamma: at times of less noise than this ratio of signal to noise, an error of the clean latent weighs no " +
      "more than there. Errors are worth 1 / t^2 otherwise, and the few clips near t = 0, whose noise cannot be told, make " +
      "most of a gradient's noise. 5: as published; 1: t below 0.5. Not given: no limit.",
  );

/**
 * The weights of frames, limited by their times: with a velocity's loss, 1 / t^2 times the clean latent's, the
 * factor is min(1, (t / limit)^2), where limit is the time at which (1 - t)^2 / t^2, signal to noise, is gamma.
 * Shapes: weight_F, t_F. Source: arXiv:2303.09556, eq. 4 with this loss' own weights.
 */
export function limitBySnr(weight_F: Float32Array, t_F: ArrayLike<number>, gamma: number): Float32Array {
  const limit = 1 / (1 + Math.sqrt(gamma));
  return weight_F.map((weight, frame) => weight * Math.min(1, ((t_F[frame] as number) / limit) ** 2));
}
