import type { VectorIsa } from "./asm/vectorIsa.ts";
import { placeCustomOp, type RuntimeFunctions } from "./customOp.ts";
import type { Address } from "./executableMemory.ts";
import { buildKernel, type KernelCall } from "./kernelSpec.ts";

/** Every operator made so far, by what decides its code. They live as long as the process. */
const placed = new Map<string, Address>();

/** The custom operator of a kernel, made on first use. @throws Error when executable memory is refused. */
export function kernelOp(call: KernelCall, threads: number, isa: VectorIsa, runtime: RuntimeFunctions): Address {
  const key = `${isa.name} ${threads} ${call.name}`;
  const op = placed.get(key) ?? placeCustomOp(buildKernel(call, threads, isa), isa, runtime);
  placed.set(key, op);
  return op;
}
