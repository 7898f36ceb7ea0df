import type { NamedTensorMap, Scalar, Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { assert } from "../../base/errors.ts";
import type { TensorMap } from "../engine.ts";
import { withTapeRestored } from "../trace/tape.ts";

/** What a differentiated function returns: the scalar to differentiate, and more to report. */
export interface Objective {
  readonly loss: Scalar;
  readonly aux: TensorMap;
}

/** A function's value, what it reported, and the gradient with respect to each of its tensors. */
export interface ValueAndGrads {
  readonly value: Scalar;
  readonly aux: TensorMap;
  readonly grads: TensorMap;
}

/**
 * Differentiates `f`'s loss with respect to every one of `tensors`; zeros where it does not depend on one.
 * Works on traced and on eager tensors, also inside another gradient function.
 */
export function valueAndGrads(f: (tensors: TensorMap) => Objective, tensors: TensorMap): ValueAndGrads {
  const names = Object.keys(tensors);
  const aux: NamedTensorMap = {};
  const forward = (): Scalar => {
    const objective = f(tensors);
    assert(objective.loss.size === 1, `the loss is one number, not [${objective.loss.shape}]`);
    for (const [name, tensor] of Object.entries(objective.aux)) aux[name] = tf.keep(tensor.clone());
    return objective.loss;
  };
  try {
    return tf.tidy(() => {
      const differentiate = () => tf.engine().gradients(forward, Object.values(tensors), undefined, true);
      const { value, grads } = withTapeRestored(differentiate);
      const byName: TensorMap = {};
      names.forEach((name, i) => {
        byName[name] = grads[i] ?? tf.zerosLike(tensors[name] as Tensor);
      });
      const reported = Object.entries(aux).map(([name, tensor]) => [name, tensor.clone()]);
      return { value, aux: Object.fromEntries(reported) as TensorMap, grads: byName };
    });
  } finally {
    for (const tensor of Object.values(aux)) tensor.dispose();
  }
}
