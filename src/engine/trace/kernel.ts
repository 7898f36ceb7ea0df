import type { NamedAttrMap, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { assert } from "../../base/errors.ts";
import type { Builder } from "../graph/builder.ts";
import type { Node } from "../graph/graph.ts";
import { TRACE_BACKEND, TraceBackend } from "./backend.ts";

/** The inputs of one kernel call, as nodes. */
export interface KernelInputs {
  /** The input of this name. @throws when the caller left it out. */
  of(name: string): Node;
  /** An optional input. */
  maybe(name: string): Node | undefined;
  /** Every input, in the caller's order: for kernels that take a list. */
  readonly list: readonly Node[];
}

/** Records one kernel: appends to `builder` and returns the result's node, or nodes. */
export type Recorder<Attrs> = (inputs: KernelInputs, attrs: Attrs, builder: Builder) => Node | Node[];

/** Names of every kernel that can be recorded. A differential test stands behind each. */
export const TRACED_KERNELS: string[] = [];

/** Teaches the trace backend one tfjs kernel. */
export function traceKernel<Attrs extends object>(kernelName: string, record: Recorder<Attrs>): void {
  TRACED_KERNELS.push(kernelName);
  tf.registerKernel({
    kernelName,
    backendName: TRACE_BACKEND,
    kernelFunc: ({ inputs, attrs, backend }) => {
      assert(backend instanceof TraceBackend, "a trace kernel runs on the trace backend");
      const result = record(kernelInputs(kernelName, inputs, backend), known<Attrs>(attrs), backend.program);
      return Array.isArray(result) ? result.map((node) => backend.info(node)) : backend.info(result);
    },
  });
}

/** tfjs types attributes as an open map; each kernel knows its own, see tfjs-core's `kernel_names.ts`. */
function known<Attrs extends object>(attrs: NamedAttrMap | undefined): Attrs {
  return (attrs ?? {}) as Attrs;
}

function kernelInputs(kernel: string, inputs: NamedTensorInfoMap | undefined, backend: TraceBackend): KernelInputs {
  const given = inputs ?? {};
  const maybe = (name: string): Node | undefined => {
    const tensor = given[name];
    return tensor === undefined || tensor === null ? undefined : backend.node(tensor);
  };
  const of = (name: string): Node => {
    const node = maybe(name);
    assert(node !== undefined, `${kernel}: input ${name} is missing`);
    return node;
  };
  const present = (tensor: TensorInfo | undefined): tensor is TensorInfo => tensor !== undefined && tensor !== null;
  return {
    of,
    maybe,
    get list() {
      return Object.values(given)
        .filter(present)
        .map((tensor) => backend.node(tensor));
    },
  };
}
