import { withoutPrefix, withPrefix } from "../base/tensors.ts";
import type { Engine, Program, TensorFn } from "../engine/engine.ts";
import { valueAndGrads } from "../engine/ops/gradients.ts";
import { bindParams } from "../nn/params.ts";
import type { FlatLayout } from "./flatState.ts";
import type { Arrangement } from "./task.ts";

/** Name prefixes of a gradient program's inputs (parameters, batch) and outputs (gradients, scalars to log). */
export const PARAM = "param/";
export const BATCH = "batch/";
export const GRAD = "grad/";
export const AUX = "aux/";

/** Compiles parameters and batch -> loss, aux and the gradient of the loss for every parameter. */
export function compileGradient(engine: Engine, layout: FlatLayout, arrangement: Arrangement): Promise<Program> {
  const fn: TensorFn = (inputs) => {
    const params = withoutPrefix(inputs, PARAM);
    const batch = withoutPrefix(inputs, BATCH);
    const { value, aux, grads } = valueAndGrads((tensors) => arrangement.loss(bindParams(tensors), batch), params);
    return { loss: value, ...withPrefix(aux, AUX), ...withPrefix(grads, GRAD) };
  };
  return engine.compile(`gradient ${arrangement.key}`, fn, {
    ...Object.fromEntries(layout.slots.map(({ path, shape }) => [PARAM + path, { shape, dtype: "float32" }])),
    ...withPrefix(arrangement.signature, BATCH),
  });
}
