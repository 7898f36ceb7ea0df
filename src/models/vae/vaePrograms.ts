import type { Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { Grid } from "../../base/grid.ts";
import type { TensorSpec } from "../../base/tensors.ts";
import type { ModelProgram } from "../program.ts";
import { Vae } from "./vae.ts";
import { latentGrid, type VaeConfig, vaeFactor } from "./vaeConfig.ts";
import { numColours } from "./vaeEncoder.ts";
import { type VaeLossConfig, vaeLoss } from "./vaeLoss.ts";

/** A batch of clips of one size: t frames of h x w pixels. */
export interface ClipBatch {
  readonly numClips: number;
  readonly clip: Grid;
}

/**
 * The training loss of a batch. Inputs: video_BTHWC in [-1, 1]; eps_Bthwz normal noise of the latents.
 * Outputs: the scalars of `VaeLossTerms`, and psnr in dB: mean over all values, peak 2.
 */
export function vaeObjective(vae: VaeConfig, loss: VaeLossConfig, batch: ClipBatch): ModelProgram {
  return {
    inputs: { video_BTHWC: videoSpec(batch), eps_Bthwz: latentSpec(vae, batch) },
    fn(p, inputs) {
      const { video_BTHWC, eps_Bthwz } = inputs as { video_BTHWC: Tensor5D; eps_Bthwz: Tensor5D };
      const model = new Vae(vae, p);
      const posterior = model.encode(video_BTHWC);
      const std_Bthwz = tf.exp(tf.mul(posterior.logvar, 0.5));
      const z_Bthwz = tf.add<Tensor5D>(posterior.mean, tf.mul(std_Bthwz, eps_Bthwz));
      const decoded_BTHWC = model.decode(z_Bthwz);
      return { ...vaeLoss(loss, decoded_BTHWC, video_BTHWC, posterior), psnr: psnr(decoded_BTHWC, video_BTHWC) };
    },
  };
}

/** Inputs: video_BTHWC in [-1, 1]. Outputs: mean_Bthwz, logvar_Bthwz. */
export function vaeEncodeProgram(vae: VaeConfig, batch: ClipBatch): ModelProgram {
  return {
    inputs: { video_BTHWC: videoSpec(batch) },
    fn(p, inputs) {
      const { mean, logvar } = new Vae(vae, p).encode(inputs.video_BTHWC as Tensor5D);
      return { mean_Bthwz: mean, logvar_Bthwz: logvar };
    },
  };
}

/** Inputs: z_Bthwz, as encoded (not normalised). Output: video_BTHWC clipped to [-1, 1]. */
export function vaeDecodeProgram(vae: VaeConfig, batch: ClipBatch): ModelProgram {
  return {
    inputs: { z_Bthwz: latentSpec(vae, batch) },
    fn(p, inputs) {
      return { video_BTHWC: tf.clipByValue(new Vae(vae, p).decode(inputs.z_Bthwz as Tensor5D), -1, 1) };
    },
  };
}

function psnr(decoded: Tensor5D, video: Tensor5D): tf.Scalar {
  const error = tf.sub(tf.clipByValue(decoded, -1, 1), video);
  const decibels = tf.mul(tf.log(tf.add(tf.mean(tf.mul(error, error)), 1e-10)), -10 / Math.LN10);
  return tf.add(decibels, 20 * Math.log10(2));
}

function videoSpec({ numClips, clip }: ClipBatch): TensorSpec {
  return { shape: [numClips, clip.t, clip.h, clip.w, numColours], dtype: "float32" };
}

function latentSpec(vae: VaeConfig, { numClips, clip }: ClipBatch): TensorSpec {
  const { t, h, w } = latentGrid(clip, vaeFactor(vae));
  return { shape: [numClips, t, h, w, vae.latentChannels], dtype: "float32" };
}
