import type { HostTensor } from "../../base/tensors.ts";
import { onnxTypes } from "../onnx/encode.ts";
import type { OrtEnvironment } from "./ortEnvironment.ts";
import type { Pointer } from "./ortLibrary.ts";

/**
 * ONNX Runtime's value over a tensor's memory. The caller keeps the memory referenced while the value is in use, and
 * frees the value.
 */
export function hostValue({ library, memoryInfo }: OrtEnvironment, tensor: HostTensor): Pointer {
  const rank = tensor.shape.length;
  const shape = new BigInt64Array(new ArrayBuffer(8 * Math.max(1, rank)));
  shape.set(tensor.shape.map(BigInt));
  const data = outsideHeap(tensor.data);
  const type = onnxTypes[tensor.dtype];
  return library.make("CreateTensorWithDataAsOrtValue", memoryInfo, data, data.byteLength, shape, rank, type);
}

/** Touching `buffer` moves a small array's elements out of the collector's reach. Empty arrays have no address. */
function outsideHeap(data: HostTensor["data"]): ArrayBufferView {
  return data.buffer.byteLength === 0 ? new Uint8Array(new ArrayBuffer(1)) : data;
}
