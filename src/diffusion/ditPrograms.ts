import type { Scalar, Tensor1D, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { TensorSpec } from "../base/tensors.ts";
import type { Signature } from "../engine/engine.ts";
import { DiT, type DiTConfig } from "../models/dit/dit.ts";
import type { Packing, PackShape } from "../models/patches/packing.ts";
import { patchWidth } from "../models/patches/patchify.ts";
import type { ModelProgram } from "../models/program.ts";
import { textRowLength } from "../models/text/textRow.ts";
import type { Params } from "../nn/params.ts";
import { type Prediction, pointAt, squaredError, velocity, velocityFromClean } from "./rectifiedFlow.ts";

/** Everything that shapes a latent video model. */
export interface LatentModel {
  readonly dit: DiTConfig;
  /** Channels of a latent cell, as the VAE makes them. */
  readonly latentChannels: number;
  readonly prediction: Prediction;
}

/** Parameters of the model, for `declareParams`. */
export function buildDiT({ dit, latentChannels }: LatentModel, p: Params): DiT {
  return new DiT(dit, latentChannels, p);
}

/**
 * The training loss of one pack.
 * Inputs: x0_LP clean tokens, eps_LP normal noise, t_F times in [0, 1], weight_F each frame's share of the loss
 * (`lossWeights`), text_CR rows of `textRow` (only with text), and what the shape asks for.
 * Outputs: loss, the scalar sum of weight_F frameLoss_F; frameLoss_F, each frame's mean squared error of the velocity
 * over its tokens and their values, unweighted.
 */
export function ditObjective(model: LatentModel, shape: PackShape): ModelProgram {
  return {
    inputs: {
      x0_LP: tokens(model, shape),
      eps_LP: tokens(model, shape),
      t_F: floats([shape.numFrames]),
      weight_F: floats([shape.numFrames]),
      ...textInput(model, shape),
      ...shape.inputs,
    },
    fn(p, inputs) {
      const pack = shape.open(inputs);
      const { x0_LP, eps_LP, t_F, weight_F } = inputs as ObjectiveInputs;
      const wanted_LP = velocity(x0_LP, eps_LP);
      const x_LP = withTimes(pack, [x0_LP, wanted_LP], t_F, ([x0, v], t) => pointAt(x0 as Tensor3D, v as Tensor3D, t));
      const v_LP = predictVelocity(model, pack, p, { x_LP, t_F, text_CR: inputs.text_CR as Tensor2D | undefined });
      const frameLoss_F = pack.frameMeans(squaredError(v_LP, wanted_LP));
      return { loss: tf.sum<Scalar>(tf.mul(frameLoss_F, weight_F)), frameLoss_F };
    },
  };
}

/**
 * The velocity at a point. Inputs: x_LP, t_F, text_CR (only with text), and what the shape asks for.
 * Output: v_LP, whatever the model predicts.
 */
export function denoiseProgram(model: LatentModel, shape: PackShape): ModelProgram {
  return {
    inputs: {
      x_LP: tokens(model, shape),
      t_F: floats([shape.numFrames]),
      ...textInput(model, shape),
      ...shape.inputs,
    },
    fn(p, inputs) {
      const pack = shape.open(inputs);
      const { x_LP, t_F } = inputs as { x_LP: Tensor2D; t_F: Tensor1D };
      return { v_LP: predictVelocity(model, pack, p, { x_LP, t_F, text_CR: inputs.text_CR as Tensor2D | undefined }) };
    },
  };
}

type ObjectiveInputs = { x0_LP: Tensor2D; eps_LP: Tensor2D; t_F: Tensor1D; weight_F: Tensor1D };
type Point = { x_LP: Tensor2D; t_F: Tensor1D; text_CR: Tensor2D | undefined };

function predictVelocity(model: LatentModel, pack: Packing, p: Params, point: Point): Tensor2D {
  const y_LP = buildDiT(model, p).call(point, pack);
  if (model.prediction === "v") return y_LP;
  return withTimes(pack, [point.x_LP, y_LP], point.t_F, ([x, x0], t) =>
    velocityFromClean(x as Tensor3D, x0 as Tensor3D, t),
  );
}

/** Applies `fn` to token rows, each meeting its frame's time. */
function withTimes(
  pack: Packing,
  rows_LP: Tensor2D[],
  t_F: Tensor1D,
  fn: (rows_NSP: Tensor3D[], t_N11: Tensor3D) => Tensor3D,
): Tensor2D {
  const t_N1 = pack.framesToStrips(tf.reshape(t_F, [-1, 1]) as Tensor2D);
  return pack.mapStrips(rows_LP, [t_N1], (rows, [t_N11]) => fn(rows, t_N11 as Tensor3D));
}

function tokens({ dit, latentChannels }: LatentModel, shape: PackShape): TensorSpec {
  return floats([shape.numTokens, patchWidth(dit.patch, latentChannels)]);
}

function textInput({ dit }: LatentModel, shape: PackShape): Signature {
  if (dit.text.kind === "none") return {};
  return { text_CR: { shape: [shape.numClips, textRowLength(dit.text)], dtype: "int32" } };
}

function floats(shape: readonly number[]): TensorSpec {
  return { shape, dtype: "float32" };
}
