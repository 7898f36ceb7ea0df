/** Element types that cross the boundary between the host and an engine. */
export type DType = "float32" | "int32" | "bool";

/** Name-independent description of a tensor. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A dense row-major tensor in host memory. `data` may be a view into a larger buffer. bool is stored as 0 or 1. */
export interface HostTensor extends TensorSpec {
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** Number of elements; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/** A float32 host tensor; zeros when no data is given. */
export function floats(
  shape: readonly number[],
  data: Float32Array = new Float32Array(sizeOf(shape)),
): HostTensor & { data: Float32Array } {
  return { shape, dtype: "float32", data };
}

/** An int32 host tensor; zeros when no data is given. */
export function ints(
  shape: readonly number[],
  data: Int32Array = new Int32Array(sizeOf(shape)),
): HostTensor & { data: Int32Array } {
  return { shape, dtype: "int32", data };
}
