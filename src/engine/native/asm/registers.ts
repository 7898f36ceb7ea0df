import type { Label } from "./label.ts";

/** A general register of 64 bits. */
export interface Gpr {
  readonly kind: "gpr";
  readonly code: number;
}

/** A vector register, of as many floats as the instruction set has. */
export interface Vector {
  readonly kind: "vector";
  readonly code: number;
}

/** A mask register: one bit for each float of a vector. `k0` means no mask. */
export interface MaskRegister {
  readonly kind: "mask";
  readonly code: number;
}

/** A mask in memory. */
export interface MaskLanes {
  readonly kind: "lanes";
  /** How many floats count, the first ones. */
  readonly count: number;
  /** A vector whose floats that count are all ones, the others 0. */
  readonly at: Mem;
  /** A vector whose floats that count are 0, the others minus infinity. */
  readonly lowest: Mem;
}

export type Mask = MaskRegister | MaskLanes;

const gpr = (code: number): Gpr => ({ kind: "gpr", code });

export const rax = gpr(0);
export const rcx = gpr(1);
export const rdx = gpr(2);
export const rbx = gpr(3);
export const rsp = gpr(4);
export const rbp = gpr(5);
export const rsi = gpr(6);
export const rdi = gpr(7);
export const r8 = gpr(8);
export const r9 = gpr(9);
export const r10 = gpr(10);
export const r11 = gpr(11);
export const r12 = gpr(12);
export const r13 = gpr(13);
export const r14 = gpr(14);
export const r15 = gpr(15);

/** Vector register number `code`. */
export function vector(code: number): Vector {
  return { kind: "vector", code };
}

/** Mask register number `code`, 1 to 7. */
export function mask(code: number): MaskRegister {
  return { kind: "mask", code };
}

/** Memory at base + index * scale + displacement, in bytes. What lies behind a label has no index. */
export interface Mem {
  readonly kind: "mem";
  readonly base: Gpr | Label;
  readonly displacement: number;
  readonly index: { readonly register: Gpr; readonly scale: 1 | 2 | 4 | 8 } | undefined;
}

export function mem(base: Mem["base"], displacement = 0, index?: Mem["index"]): Mem {
  return { kind: "mem", base, displacement, index };
}
