import { assert } from "../../base/errors.ts";
import type { TensorSpec } from "../../base/tensors.ts";
import { fullType, type NodeOf } from "../graph/graph.ts";
import type { OpName } from "../graph/ops.ts";
import { NATIVE_DOMAIN } from "../native/customOp.ts";
import { type KernelCall, type KernelSpec, kernelName } from "../native/kernelSpec.ts";
import {
  int64s,
  type OnnxAttribute,
  type OnnxInitializer,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from "./model.ts";

/** ONNX's own operator set and ONNX Runtime's contributed one, as used here. */
const OPSETS = { "": 21, "com.microsoft": 1 };
/** The same with native kernels, which have an operator set of their own. */
const NATIVE_OPSETS = { ...OPSETS, [NATIVE_DOMAIN]: 1 };

export const CONTRIBUTED = "com.microsoft";

type AnyNode = NodeOf<OpName>;

/** How one operator call differs from the plain one. */
export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  readonly domain?: string;
}

/** Collects the nodes and constants of one model and gives every value its name. */
export class OnnxWriter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  private readonly names = new Map<AnyNode, string>();
  private readonly kernelCalls = new Map<string, KernelCall>();
  private readonly kernelResults: AnyNode[] = [];
  private readonly constants = new Map<string, string>();
  private numNames = 0;
  /** The name that calls are given from now on. */
  private label: string | undefined;

  get opsets(): Readonly<Record<string, number>> {
    return this.kernelCalls.size === 0 ? OPSETS : NATIVE_OPSETS;
  }

  get kernels(): KernelCall[] {
    return [...this.kernelCalls.values()];
  }

  /** What native kernels give, by name: only the writer knows their shapes. */
  get values(): OnnxValue[] {
    return this.kernelResults.map((node) => ({
      name: this.nameOf(node),
      spec: { shape: node.shape, dtype: fullType(node.dtype) },
    }));
  }

  /** The name of a node's result. */
  nameOf(node: AnyNode): string {
    const name = this.names.get(node);
    assert(name !== undefined, `node ${node.id} (${node.op}) is lowered before its users`);
    return name;
  }

  /** Gives a node's result a name: an input's or output's own, or that of the value it equals. */
  setName(node: AnyNode, name: string): void {
    this.names.set(node, name);
  }

  /** The node's result name, made up if it has none: internal names start with `#`, no user's does. */
  claim(node: AnyNode): string {
    const known = this.names.get(node);
    if (known !== undefined) return known;
    const name = this.fresh();
    this.names.set(node, name);
    return name;
  }

  /** Names the calls that follow after what they are made of, so that ONNX Runtime can tell of them. */
  setLabel(label: string | undefined): void {
    this.label = label;
  }

  /** Appends a call whose first result is `node`'s. */
  result(node: AnyNode, op: string, inputs: readonly string[], options: EmitOptions = {}): void {
    this.call(op, inputs, [this.claim(node)], options);
  }

  /** Appends a call of a native kernel whose results are those of `nodes`. */
  kernel(nodes: readonly AnyNode[], spec: KernelSpec, inputs: readonly string[]): void {
    const name = kernelName(spec);
    this.kernelCalls.set(name, { name, spec });
    this.kernelResults.push(...nodes);
    const outputs = nodes.map((node) => this.claim(node));
    this.call(name, inputs, outputs, { domain: NATIVE_DOMAIN });
  }

  /** Appends a call in between and returns the name of its result. */
  step(op: string, inputs: readonly string[], options: EmitOptions = {}): string {
    const output = this.fresh();
    this.call(op, inputs, [output], options);
    return output;
  }

  call(op: string, inputs: readonly string[], outputs: readonly string[], options: EmitOptions = {}): void {
    const name = this.label === undefined ? {} : { name: `${this.label}.${this.nodes.length}` };
    this.nodes.push({ op, inputs, outputs, ...options, ...name });
  }

  /** The name of an int64 constant: a vector, or a scalar. Equal ones are shared. */
  ints(values: readonly number[] | number): string {
    return this.shared(`i64 ${typeof values === "number" ? values : `[${values}]`}`, () => int64s(values));
  }

  /** The name of a constant that holds one value everywhere. Equal ones are shared. */
  uniform(value: number, { shape, dtype }: TensorSpec): string {
    return this.shared(`${dtype} [${shape}] ${Object.is(value, -0) ? "-0" : value}`, () => {
      const size = shape.reduce((product, side) => product * side, 1);
      const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
      return { shape, dtype, data: new arrays[dtype](size).fill(value) };
    });
  }

  /** Adds a constant. */
  initializer(name: string, tensor: OnnxTensor): void {
    this.initializers.push({ name, tensor });
  }

  private shared(key: string, make: () => OnnxTensor): string {
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const name = this.fresh();
    this.constants.set(key, name);
    this.initializer(name, make());
    return name;
  }

  private fresh(): string {
    this.numNames += 1;
    return `#${this.numNames}`;
  }
}
