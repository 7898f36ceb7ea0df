import type { Assembler } from "../asm/assembler.ts";
import type { Mem, Vector } from "../asm/registers.ts";
import type { LoopBinary, LoopUnary } from "./spec.ts";

/** What writing a function needs besides its operands. */
export interface MathContext {
  readonly asm: Assembler;
  /** A number in memory, as `repeated` operands read it. */
  constant(value: number): Mem;
  /** Calls with registers that nobody uses. */
  withTemporaries(count: number, use: (...temporaries: Vector[]) => void): void;
}

/** Beyond these, the exponential is infinite or 0. */
const EXP_HIGH = 89;
const EXP_LOW = -104;
/** ln 2 in two parts, the first with few bits, so that its multiples are exact. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444e-4;
/** Bit at which a float's exponent starts. */
const EXPONENT_AT = 23;
/** exp(r) = 1 + r + r^2 p(r) for |r| <= ln 2 / 2; highest power first. Source: Cephes, expf. */
const EXP_POLYNOMIAL = [
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.50000001201,
];

/** How operands read a constant: one float that the instruction repeats, or a whole vector of it. */
const repeated = ({ isa }: Assembler) => ({ broadcast: isa.masksAll });

const BINARY = { add: "vaddps", sub: "vsubps", mul: "vmulps", div: "vdivps", max: "vmaxps", min: "vminps" } as const;

export function emitBinary({ asm }: MathContext, op: LoopBinary, to: Vector, a: Vector, b: Vector): void {
  asm.binary(BINARY[op], to, a, b);
}

/** to = op(x); `to` may be `x`. */
export function emitUnary(context: MathContext, op: LoopUnary, to: Vector, x: Vector): void {
  const { asm, constant, withTemporaries } = context;
  switch (op) {
    case "neg":
      asm.binary("vpxord", to, x, constant(-0), repeated(asm));
      break;
    case "sqrt":
      asm.unary("vsqrtps", to, x);
      break;
    case "reciprocal":
      withTemporaries(1, (one) => {
        asm.vbroadcast(one, constant(1));
        asm.binary("vdivps", to, one, x);
      });
      break;
    case "exp":
      emitExp(context, to, x);
      break;
    case "sigmoid":
      // 1 / (1 + exp(-x))
      emitUnary(context, "neg", to, x);
      emitExp(context, to, to);
      asm.binary("vaddps", to, to, constant(1), repeated(asm));
      emitUnary(context, "reciprocal", to, to);
      break;
  }
}

/** x = n ln 2 + r, so exp(x) = 2^n exp(r). NaN stays NaN: minimum and maximum give their second operand for it. */
function emitExp({ asm, constant, withTemporaries }: MathContext, to: Vector, x: Vector): void {
  withTemporaries(3, (rest, power, sum) => {
    asm.vbroadcast(power, constant(EXP_HIGH));
    asm.binary("vminps", rest, power, x);
    asm.vbroadcast(power, constant(EXP_LOW));
    asm.binary("vmaxps", rest, power, rest);
    asm.binary("vmulps", power, rest, constant(Math.LOG2E), repeated(asm));
    asm.round(power, power);
    asm.binary("vfnmadd231ps", rest, power, constant(LN2_HIGH), repeated(asm));
    asm.binary("vfnmadd231ps", rest, power, constant(LN2_LOW), repeated(asm));
    const [first = 0, ...others] = EXP_POLYNOMIAL;
    asm.vbroadcast(sum, constant(first));
    for (const coefficient of others) asm.binary("vfmadd213ps", sum, rest, constant(coefficient), repeated(asm));
    // sum r^2 + r + 1
    asm.binary("vmulps", sum, sum, rest);
    asm.binary("vfmadd213ps", sum, rest, rest);
    asm.binary("vaddps", sum, sum, constant(1), repeated(asm));
    if (asm.isa.masksAll) asm.binary("vscalefps", to, sum, power);
    else emitScale(asm, to, sum, power, rest, constant(1));
  });
}

/**
 * to = x 2^power for x near 1, in two steps, so that results below the normal floats are rounded once and those above
 * are infinite. NaN stays. Changes x, power and half.
 */
function emitScale(asm: Assembler, to: Vector, x: Vector, power: Vector, half: Vector, one: Mem): void {
  asm.unary("vcvtps2dq", power, power);
  asm.shift("vpsrad", half, power, 1);
  asm.binary("vpsubd", power, power, half);
  asm.shift("vpslld", half, half, EXPONENT_AT);
  asm.binary("vpaddd", x, x, half);
  asm.shift("vpslld", power, power, EXPONENT_AT);
  asm.binary("vpaddd", power, power, one);
  asm.binary("vmulps", to, x, power);
}

/** Every float of `value` becomes their sum or maximum. */
export function emitAcross({ asm, withTemporaries }: MathContext, op: "vaddps" | "vmaxps", value: Vector): void {
  withTemporaries(1, (other) => {
    if (asm.isa.floats === 16) {
      asm.shuffleLanes(other, value, value, 0x4e);
      asm.binary(op, value, value, other);
      asm.shuffleLanes(other, value, value, 0xb1);
    } else asm.pickLanes(other, value, value, 0x01);
    asm.binary(op, value, value, other);
    asm.shuffleInLanes(other, value, value, 0x4e);
    asm.binary(op, value, value, other);
    asm.shuffleInLanes(other, value, value, 0xb1);
    asm.binary(op, value, value, other);
  });
}
