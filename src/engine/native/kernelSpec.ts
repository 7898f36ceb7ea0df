import { sha256 } from "../../base/hash.ts";
import type { VectorIsa } from "./asm/vectorIsa.ts";
import { type ChainSpec, chainKernel } from "./chain/chain.ts";
import type { Kernel } from "./kernel.ts";
import { loopKernel } from "./loop/loopKernel.ts";
import type { LoopSpec } from "./loop/spec.ts";
import { type ProductSpec, productKernel } from "./product/product.ts";

/** What a kernel computes, as plain data. */
export type KernelSpec =
  | ({ readonly kind: "product" } & ProductSpec)
  | ({ readonly kind: "loop" } & LoopSpec)
  | ({ readonly kind: "chain" } & ChainSpec);

/** A kernel that a program calls, by the name of its operator. */
export interface KernelCall {
  readonly name: string;
  readonly spec: KernelSpec;
}

/** The operator's name: equal specs have equal names. */
export function kernelName(spec: KernelSpec): string {
  if (spec.kind !== "product") return `${spec.kind} ${sha256(JSON.stringify(spec)).slice(0, 32)}`;
  const flags = `${spec.transA ? "T" : "N"}${spec.transB ? "T" : "N"}`;
  const walks = spec.walks === undefined ? "" : ` ${sha256(JSON.stringify(spec.walks)).slice(0, 16)}`;
  return `product ${flags} [${spec.a}] [${spec.b}] ${spec.alpha}${walks}`;
}

/** The kernel itself, cut for a number of threads, in the instructions of `isa`. */
export function buildKernel({ name, spec }: KernelCall, threads: number, isa: VectorIsa): Kernel {
  switch (spec.kind) {
    case "loop":
      return loopKernel(name, spec, threads, isa);
    case "product":
      return productKernel(name, spec, threads, isa);
    case "chain":
      return chainKernel(name, spec, isa);
  }
}
