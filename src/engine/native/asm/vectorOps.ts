/** How an instruction on vectors is encoded: opcode map (0F, 0F38, 0F3A), mandatory prefix, opcode, operand size bit. */
interface VectorOp {
  readonly map: 1 | 2 | 3;
  readonly prefix: 0 | 1;
  readonly opcode: number;
  readonly wide: 0 | 1;
}

const op = (map: 1 | 2 | 3, prefix: 0 | 1, opcode: number, wide: 0 | 1 = 0): VectorOp => ({
  map,
  prefix,
  opcode,
  wide,
});

/** destination = f(first, second); second may be memory. Source: Intel 64 manual, volume 2, EVEX forms. */
export const binaryOps = {
  vaddps: op(1, 0, 0x58),
  vmulps: op(1, 0, 0x59),
  vsubps: op(1, 0, 0x5c),
  vminps: op(1, 0, 0x5d),
  vdivps: op(1, 0, 0x5e),
  vmaxps: op(1, 0, 0x5f),
  vpandd: op(1, 1, 0xdb),
  vpord: op(1, 1, 0xeb),
  vpxord: op(1, 1, 0xef),
  vunpcklps: op(1, 0, 0x14),
  vunpckhps: op(1, 0, 0x15),
  vunpcklpd: op(1, 1, 0x14, 1),
  vunpckhpd: op(1, 1, 0x15, 1),
  vscalefps: op(2, 1, 0x2c),
  /** destination += first * second. */
  vfmadd231ps: op(2, 1, 0xb8),
  /** destination = first * destination + second. */
  vfmadd213ps: op(2, 1, 0xa8),
  /** destination -= first * second. */
  vfnmadd231ps: op(2, 1, 0xbc),
} as const;

/** destination = f(source); source may be memory. */
export const unaryOps = {
  vsqrtps: op(1, 0, 0x51),
} as const;

/** destination = f(first, second, immediate). */
export const immediateOps = {
  vshuff32x4: op(3, 1, 0x23),
  vshufps: op(1, 0, 0xc6),
} as const;

/** destination = f(source, immediate). */
export const unaryImmediateOps = {
  vrndscaleps: op(3, 1, 0x08),
} as const;

export const moves = {
  load: op(1, 0, 0x10),
  store: op(1, 0, 0x11),
  copy: op(1, 0, 0x28),
  broadcast: op(2, 1, 0x18),
  /** From a general register. */
  repeat: op(2, 1, 0x7c),
} as const;

export type BinaryOpName = keyof typeof binaryOps;
export type UnaryOpName = keyof typeof unaryOps;
export type { VectorOp };
