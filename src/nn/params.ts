import type { Tensor } from "@tensorflow/tfjs";
import { UserError } from "../base/errors.ts";

/** How a parameter starts. normal: std; uniform: [-limit, limit]. */
export type Init =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "normal"; readonly std: number }
  | { readonly kind: "uniform"; readonly limit: number };

export const zeros: Init = { kind: "zeros" };
export const ones: Init = { kind: "ones" };
export const normal = (std: number): Init => ({ kind: "normal", std });
export const uniform = (limit: number): Init => ({ kind: "uniform", limit });
/** Glorot's uniform start. Source: Glorot & Bengio 2010, eq. 16. */
export const xavier = (fanIn: number, fanOut: number): Init => uniform(Math.sqrt(6 / (fanIn + fanOut)));

/** One learned tensor. `path` is its key in checkpoints. */
export interface ParamSpec {
  readonly path: string;
  readonly shape: readonly number[];
  readonly init: Init;
}

type Resolve = (spec: ParamSpec) => Tensor;

/**
 * The parameters under one path. A layer's constructor asks it for tensors; its `call` uses them.
 * So a model is built anew for each trace: `new DiT(cfg, bindParams(tensors))`. Building is cheap.
 */
export class Params {
  readonly path: string;
  private readonly resolve: Resolve;

  constructor(resolve: Resolve, path = "") {
    this.resolve = resolve;
    this.path = path;
  }

  /** The parameters below `path`, e.g. `p.at("blocks.3.attn")`. */
  at(path: string): Params {
    return new Params(this.resolve, join(this.path, path));
  }

  /** The tensor `name` with this shape. Must only be used inside `call`, never in a constructor. */
  tensor<T extends Tensor = Tensor>(name: string, shape: readonly number[], init: Init): T {
    return this.resolve({ path: join(this.path, name), shape, init }) as T;
  }
}

/** Lists the parameters that `build` asks for, in order, without computing anything. */
export function declareParams(build: (p: Params) => unknown): ParamSpec[] {
  const specs = new Map<string, ParamSpec>();
  const nothing = Object.freeze({}) as Tensor;
  build(
    new Params((spec) => {
      if (specs.has(spec.path)) throw new Error(`parameter ${spec.path} is declared twice`);
      specs.set(spec.path, spec);
      return nothing;
    }),
  );
  return [...specs.values()];
}

/** Parameters backed by tensors under their paths. @throws UserError when one is missing or has another shape. */
export function bindParams(tensors: Readonly<Record<string, Tensor>>): Params {
  return new Params(({ path, shape }) => {
    const tensor = tensors[path];
    if (tensor === undefined) throw new UserError(path, { expected: "a parameter of this name", got: "none" });
    if (tensor.shape.join() !== shape.join()) {
      throw new UserError(path, { expected: `shape [${shape.join(", ")}]`, got: `[${tensor.shape.join(", ")}]` });
    }
    return tensor;
  });
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
