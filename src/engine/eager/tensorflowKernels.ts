import type { DataType, Tensor, TensorInfo } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";

/** Kernels whose results have another dtype on TensorFlow than on tfjs' own backends, and the dtype that those give. */
const resultTypes: Readonly<Record<string, DataType>> = {
  /** tfjs: always whole numbers. TensorFlow: as its operands. */
  FloorDiv: "int32",
  /** tfjs: always float32. TensorFlow: as what it sums. */
  UnsortedSegmentSum: "float32",
};

const wrapped = new WeakSet<object>();

/** Makes the kernels of the backend `tensorflow` give what the cpu backend gives. Doing so again changes nothing. */
export function alignKernels(): void {
  for (const [kernelName, dtype] of Object.entries(resultTypes)) {
    const config = tf.getKernel(kernelName, "tensorflow");
    if (config === undefined || wrapped.has(config.kernelFunc)) continue;
    const kernelFunc: tf.KernelFunc = (params) => as(dtype, config.kernelFunc(params));
    wrapped.add(kernelFunc);
    tf.unregisterKernel(kernelName, "tensorflow");
    tf.registerKernel({ ...config, kernelFunc });
  }
}

/** The result, cast where it has another dtype. Kernels of tfjs-node give tensors, of which the scope takes care. */
function as(dtype: DataType, result: TensorInfo | TensorInfo[]): TensorInfo | TensorInfo[] {
  return Array.isArray(result) || result.dtype === dtype ? result : tf.cast(result as Tensor, dtype);
}
