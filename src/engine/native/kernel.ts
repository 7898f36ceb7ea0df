import type { Assembler } from "./asm/assembler.ts";
import { mem, r12, r13, r14, r15, rax, rbp, rbx, rsp } from "./asm/registers.ts";
import { type Masks, withMasks } from "./masks.ts";

/**
 * A computation in machine code: float32 tensors of fixed shape in, float32 tensors out. It is done in `units` that do
 * not depend on each other, so threads may share them out as they like: what each computes is fixed.
 */
export interface Kernel {
  /** Says everything that decides the code: equal names are the same kernel. */
  readonly name: string;
  readonly numInputs: number;
  /** Shape of each output. */
  readonly outputs: readonly (readonly number[])[];
  readonly numUnits: number;
  /** Bytes of stack that a unit works in. */
  readonly scratchBytes: number;
  /**
   * Writes one unit. rdi points at the addresses of all inputs, then of all outputs; rsi is the unit's number; rsp is
   * the scratch memory, a multiple of 64. It may change every register but rsp, which must be as it was at the end.
   */
  emitUnit(asm: Assembler, masks: Masks): void;
}

/** Registers that a function gives back as it found them. Source: System V ABI, section 3.2.1. */
const SAVED = [rbx, rbp, r12, r13, r14, r15] as const;

/** Writes a kernel's unit as a function (pointer table, unit number). */
export function emitUnitFunction(asm: Assembler, kernel: Kernel): void {
  for (const register of SAVED) asm.push(register);
  asm.copy(rax, rsp);
  asm.subImm(rsp, roundUp(kernel.scratchBytes) + 8);
  asm.andImm(rsp, -64);
  asm.store(mem(rsp, roundUp(kernel.scratchBytes)), rax);
  withMasks(asm, (masks) => kernel.emitUnit(asm, masks));
  asm.load(rsp, mem(rsp, roundUp(kernel.scratchBytes)));
  for (const register of SAVED.toReversed()) asm.pop(register);
  asm.vzeroupper();
  asm.ret();
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
