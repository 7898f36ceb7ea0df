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

/** A zeroed host tensor. */
export function allocate({ shape, dtype }: TensorSpec): HostTensor {
  const size = sizeOf(shape);
  const data = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype];
  return { shape, dtype, data: new data(size) };
}

/** Entries whose names get `prefix` in front. */
export function withPrefix<T>(entries: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [prefix + name, value]));
}

/** The entries whose names begin with `prefix`, without it. */
export function withoutPrefix<T>(entries: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  return Object.fromEntries(
    Object.entries(entries)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}
