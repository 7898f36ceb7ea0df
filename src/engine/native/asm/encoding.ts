import { assert } from "../../../base/errors.ts";
import type { CodeBytes } from "./bytes.ts";
import type { MaskRegister, Mem, Vector } from "./registers.ts";
import type { VectorOp } from "./vectorOps.ts";

/** An instruction on vectors and its operands, in the places that the encodings have for them. */
export interface VectorInstruction {
  readonly op: VectorOp;
  readonly reg: Vector;
  readonly first: Vector | undefined;
  readonly rm: Vector | Mem;
}

export interface EvexOptions {
  readonly mask: MaskRegister | undefined;
  readonly zero: boolean;
  readonly broadcast: boolean;
  /** Bytes that short displacements count in. */
  readonly unit: number;
}

const notBit = (bit: number, place: number) => (bit & 1 ? 0 : 1 << place);
const baseCode = ({ base }: Mem) => (base.kind === "label" ? 5 : base.code);

/** EVEX: vectors of 512 bits, 32 registers, masks. */
export function encodeEvex(code: CodeBytes, instruction: VectorInstruction, options: EvexOptions): void {
  const { op, reg, first, rm } = instruction;
  const { mask, zero, broadcast, unit } = options;
  const base = rm.kind === "mem" ? baseCode(rm) : rm.code;
  const extra = rm.kind === "mem" ? (rm.index?.register.code ?? 0) >> 3 : rm.code >> 4;
  const second = first?.code ?? 0;
  code.byte(
    0x62,
    notBit(reg.code >> 3, 7) | notBit(extra, 6) | notBit(base >> 3, 5) | notBit(reg.code >> 4, 4) | op.map,
    (op.wide << 7) | ((~second & 15) << 3) | 4 | op.prefix,
    (zero ? 0x80 : 0) | 0x40 | (broadcast ? 0x10 : 0) | notBit(second >> 4, 3) | (mask?.code ?? 0),
    op.opcode,
  );
  operands(code, instruction, unit);
}

/** VEX: vectors of 256 bits, or their lower halves where `narrow`; 16 registers. */
export function encodeVex(code: CodeBytes, instruction: VectorInstruction, narrow = false): void {
  const { op, reg, first, rm } = instruction;
  const base = rm.kind === "mem" ? baseCode(rm) : rm.code;
  const index = rm.kind === "mem" ? (rm.index?.register.code ?? 0) : 0;
  assert(Math.max(reg.code, first?.code ?? 0, base, index) < 16, "VEX has 16 registers");
  const rest = ((~(first?.code ?? 0) & 15) << 3) | (narrow ? 0 : 4) | op.prefix;
  const high = notBit(reg.code >> 3, 7);
  if (op.map === 1 && base < 8 && index < 8) code.byte(0xc5, high | rest, op.opcode);
  else code.byte(0xc4, high | notBit(index >> 3, 6) | notBit(base >> 3, 5) | op.map, rest, op.opcode);
  operands(code, instruction, 1);
}

function operands(code: CodeBytes, { reg, rm }: VectorInstruction, unit: number): void {
  if (rm.kind === "mem") code.memory(reg.code, rm, unit);
  else code.registers(reg.code, rm.code);
}
