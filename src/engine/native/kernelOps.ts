import { placeCustomOp, type RuntimeFunctions } from "./customOp.ts";
import type { Address } from "./executableMemory.ts";
import { buildKernel, type KernelCall } from "./kernelSpec.ts";

/** Every operator made so far, by name and number of threads. They live as long as the process. */
const placed = new Map<string, Address>();

/** The custom operator of a kernel, made on first use. @throws Error when executable memory is refused. */
export function kernelOp(call: KernelCall, threads: number, runtime: RuntimeFunctions): Address {
  const key = `${threads} ${call.name}`;
  const op = placed.get(key) ?? placeCustomOp(buildKernel(call, threads), runtime);
  placed.set(key, op);
  return op;
}
