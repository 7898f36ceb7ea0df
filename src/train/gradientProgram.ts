import type { Scalar } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { withoutPrefix, withPrefix } from "../base/tensors.ts";
import type { ProgramSource } from "../engine/compile.ts";
import type { Engine, Program, Signature, TensorFn } from "../engine/engine.ts";
import { valueAndGrads } from "../engine/ops/gradients.ts";
import { bindParams } from "../nn/params.ts";
import type { FlatLayout } from "./flatState.ts";
import type { Arrangement } from "./task.ts";

/** Name prefixes of a gradient program's inputs (parameters, batch) and outputs (gradients, scalars to log). */
export const PARAM = "param/";
export const BATCH = "batch/";
export const GRAD = "grad/";
export const AUX = "aux/";
/** The input that a scaled program multiplies the loss by before it is differentiated. */
export const LOSS_SCALE = "lossScale";

/**
 * Parameters and batch -> loss, aux and the gradient of the loss for every parameter.
 * @param scaled whether the gradients are those of the loss times the input `lossScale`.
 */
export function gradientSource(layout: FlatLayout, arrangement: Arrangement, scaled = false): ProgramSource {
  const fn: TensorFn = (inputs) => {
    const params = withoutPrefix(inputs, PARAM);
    const batch = withoutPrefix(inputs, BATCH);
    const { aux, grads } = valueAndGrads((tensors) => {
      const { loss, aux } = arrangement.loss(bindParams(tensors), batch);
      const scale = inputs[LOSS_SCALE];
      const differentiated = scale === undefined ? loss : tf.mul<Scalar>(loss, scale);
      return { loss: differentiated, aux: { loss, ...withPrefix(aux, AUX) } };
    }, params);
    return { ...aux, ...withPrefix(grads, GRAD) };
  };
  const signature: Signature = {
    ...Object.fromEntries(layout.slots.map(({ path, shape }) => [PARAM + path, { shape, dtype: "float32" }])),
    ...withPrefix(arrangement.signature, BATCH),
    ...(scaled ? { [LOSS_SCALE]: { shape: [], dtype: "float32" } } : {}),
  };
  return { name: `gradient ${arrangement.key}`, fn, signature };
}

/** Compiles what `gradientSource` describes. */
export function compileGradient(
  engine: Engine,
  layout: FlatLayout,
  arrangement: Arrangement,
  scaled = false,
): Promise<Program> {
  const { name, fn, signature } = gradientSource(layout, arrangement, scaled);
  return engine.compile(name, fn, signature);
}
