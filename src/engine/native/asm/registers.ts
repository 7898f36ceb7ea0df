/** A general register of 64 bits. */
export interface Gpr {
  readonly kind: "gpr";
  readonly code: number;
}

/** A vector register of 512 bits: 16 floats. */
export interface Zmm {
  readonly kind: "zmm";
  readonly code: number;
}

/** A mask register: one bit for each float of a vector. `k0` means no mask. */
export interface Mask {
  readonly kind: "mask";
  readonly code: number;
}

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

/** Vector register number `code`, 0 to 31. */
export function zmm(code: number): Zmm {
  return { kind: "zmm", code };
}

/** Mask register number `code`, 1 to 7. */
export function mask(code: number): Mask {
  return { kind: "mask", code };
}

/** Memory at base + index * scale + displacement, in bytes. */
export interface Mem {
  readonly kind: "mem";
  readonly base: Gpr;
  readonly displacement: number;
  readonly index: { readonly register: Gpr; readonly scale: 1 | 2 | 4 | 8 } | undefined;
}

export function mem(base: Gpr, displacement = 0, index?: Mem["index"]): Mem {
  return { kind: "mem", base, displacement, index };
}
