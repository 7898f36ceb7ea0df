import type { NamedAttrMap, Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/** The backend that records programs; see `engine/trace`. It knows the kernels below that tfjs does not have. */
const TRACE_BACKEND = "trace";

/** True while a program is being recorded: then fused layers record their own kernels and gradients. */
export function isTracing(): boolean {
  return tf.getBackend() === TRACE_BACKEND;
}

/** Records one of the kernels in `engine/trace/kernels/layers.ts`. */
export function fusedKernel(name: string, inputs: Record<string, Tensor | undefined>, attrs?: NamedAttrMap): Tensor {
  return tf.engine().runKernel(name, given(inputs), attrs);
}

/** The same for a kernel with several results. */
export function fusedKernels(name: string, inputs: Record<string, Tensor | undefined>, attrs?: NamedAttrMap): Tensor[] {
  return tf.engine().runKernel(name, given(inputs), attrs);
}

function given(inputs: Record<string, Tensor | undefined>): Record<string, Tensor> {
  const present = Object.entries(inputs).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
  return Object.fromEntries(present);
}

/** A layer's result, what its gradient needs, and the gradient itself: one tensor for each input, in order. */
export interface Differentiated {
  readonly value: Tensor;
  readonly save: readonly Tensor[];
  readonly gradient: (dy: Tensor, saved: Tensor[]) => Tensor[];
}

/** Records `forward` with its hand-written gradient. */
export function withGradient(inputs: readonly Tensor[], forward: () => Differentiated): Tensor {
  const layer = tf.customGrad((...given: (Tensor | tf.GradSaveFunc)[]) => {
    const { value, save, gradient } = forward();
    const keep = given.at(-1);
    if (typeof keep === "function") keep([...save]);
    return { value, gradFunc: (dy: Tensor, saved: Tensor[]) => gradient(dy, saved) };
  });
  return layer(...inputs);
}
