/**
 * How an instruction on vectors is encoded: opcode map (0F, 0F38, 0F3A), mandatory prefix (none, 66, F3), opcode, and
 * operand size bit, which VEX does not need here.
 */
export interface VectorOp {
  readonly map: 1 | 2 | 3;
  readonly prefix: 0 | 1 | 2;
  readonly opcode: number;
  readonly wide: 0 | 1;
}

const op = (map: 1 | 2 | 3, prefix: 0 | 1 | 2, opcode: number, wide: 0 | 1 = 0): VectorOp => ({
  map,
  prefix,
  opcode,
  wide,
});

/** destination = f(first, second); second may be memory. Source: Intel 64 manual, volume 2. */
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
  vpaddd: op(1, 1, 0xfe),
  vpsubd: op(1, 1, 0xfa),
  /** EVEX only. */
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
  /** Floats as whole numbers of 32 bits. */
  vcvtps2dq: op(1, 1, 0x5b),
} as const;

/** destination = source shifted by a constant number of bits: opcode, and what stands in its place for a register. */
export const shiftOps = {
  vpslld: { ...op(1, 1, 0x72), operation: 6 },
  vpsrad: { ...op(1, 1, 0x72), operation: 4 },
} as const;

/** destination = f(first, second, immediate). */
export const immediateOps = {
  /** EVEX only. */
  vshuff32x4: op(3, 1, 0x23),
  /** VEX only. */
  vperm2f128: op(3, 1, 0x06),
  vshufps: op(1, 0, 0xc6),
} as const;

/** destination = f(source, immediate). In VEX it is called vroundps, and rounds to whole numbers only. */
export const unaryImmediateOps = {
  vrndscaleps: op(3, 1, 0x08),
} as const;

export const moves = {
  load: op(1, 0, 0x10),
  store: op(1, 0, 0x11),
  copy: op(1, 0, 0x28),
  broadcast: op(2, 1, 0x18),
  /** From a general register; EVEX only. */
  repeat: op(2, 1, 0x7c),
  /** The low float, from a general register. */
  fromGeneral: op(1, 1, 0x6e),
  /** The first float, or the first two, to memory. */
  storeOne: op(1, 2, 0x11),
  storeTwo: op(1, 0, 0x13),
  /** Masked by a vector; VEX only. */
  maskedLoad: op(2, 1, 0x2c),
} as const;

export type BinaryOpName = keyof typeof binaryOps;
export type UnaryOpName = keyof typeof unaryOps;
export type ShiftOpName = keyof typeof shiftOps;
