import type { HostTensor, TensorSpec } from "../../base/tensors.ts";
import type { KernelCall } from "../native/kernelSpec.ts";

/** A dense int64 tensor: shapes, axes and indices inside a model. It never crosses a model's boundary. */
export interface Int64Tensor {
  readonly shape: readonly number[];
  readonly dtype: "int64";
  readonly data: BigInt64Array;
}

/** A constant inside a model. */
export type OnnxTensor = HostTensor | Int64Tensor;

/** A node's attribute. Tagged, because a bare number does not tell an int from a float. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly tensor: OnnxTensor };

/** One operator call. An empty input or output name stands for an optional one left out. */
export interface OnnxNode {
  /** Begins with the node of the program that it was made of, `%12.`; only models for devices tell. */
  readonly name?: string;
  readonly op: string;
  /** Operator set: "" (the default) is ONNX itself, `com.microsoft` its contributed operators. */
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A named constant. */
export interface OnnxInitializer {
  readonly name: string;
  readonly tensor: OnnxTensor;
}

/** A named, fully shaped input or output of a model. */
export interface OnnxValue {
  readonly name: string;
  readonly spec: TensorSpec;
}

/** The plain content of an ONNX model. Nodes stand in topological order; value names are unique. */
export interface OnnxModel {
  readonly name: string;
  /** Version of each operator set in use, by domain: `{ "": 21, "com.microsoft": 1 }`. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Values in between whose shapes ONNX Runtime cannot find out. */
  readonly values?: readonly OnnxValue[];
  /** Native kernels that the nodes call. */
  readonly kernels?: readonly KernelCall[];
}

/** An int64 vector of shape [n], or a scalar of shape [] when a bare number is given. */
export function int64s(values: readonly number[] | number): Int64Tensor {
  const list = typeof values === "number" ? [values] : values;
  const shape = typeof values === "number" ? [] : [list.length];
  return { shape, dtype: "int64", data: BigInt64Array.from(list, BigInt) };
}
