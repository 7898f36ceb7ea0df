import { assert } from "../../../base/errors.ts";
import { CodeBytes } from "./bytes.ts";
import { encodeEvex, encodeVex } from "./encoding.ts";
import { Label } from "./label.ts";
import type { Gpr, Mask, MaskRegister, Mem, Vector } from "./registers.ts";
import { avx512, type VectorIsa, vectorBytes } from "./vectorIsa.ts";
import {
  type BinaryOpName,
  binaryOps,
  immediateOps,
  moves,
  type ShiftOpName,
  shiftOps,
  type UnaryOpName,
  unaryImmediateOps,
  unaryOps,
  type VectorOp,
} from "./vectorOps.ts";

/** Conditions of jumps after `cmp a, b`: unsigned where it matters. */
const CONDITIONS = { equal: 0x4, notEqual: 0x5, below: 0x2, notBelow: 0x3 } as const;

export interface VectorOptions {
  /** Floats that are written; the others keep their value, or become 0 when `zero` is set. Without EVEX: see `vstore`. */
  readonly mask?: Mask | undefined;
  readonly zero?: boolean;
  /** Reads one float from memory and repeats it; EVEX only. */
  readonly broadcast?: boolean;
}

const FLOAT_BYTES = 4;

/** Writes x86-64 machine code, with vectors of one instruction set. Destination first, as Intel writes it. */
export class Assembler {
  readonly isa: VectorIsa;
  private readonly code = new CodeBytes();

  constructor(isa: VectorIsa = avx512) {
    this.isa = isa;
  }

  /** Bytes so far. */
  get length(): number {
    return this.code.length;
  }

  finish(): Uint8Array {
    return this.code.finish();
  }

  bind(label: Label): void {
    this.code.bind(label);
  }

  /** Runs `body` `count` times, counting down in `counter`, which the body keeps. */
  loop(counter: Gpr, count: number, body: () => void): void {
    assert(count >= 1, "a loop runs at least once");
    if (count === 1) {
      body();
      return;
    }
    const top = new Label();
    this.set(counter, count);
    this.bind(top);
    body();
    this.subImm(counter, 1);
    this.jump(top, "notEqual");
  }

  /** register = constant, in the shortest form. */
  set(to: Gpr, value: number | bigint): void {
    const wide = BigInt(value);
    if (wide >= 0n && wide < 2n ** 32n) {
      if (to.code > 7) this.code.byte(0x41);
      this.code.byte(0xb8 | (to.code & 7));
      this.code.int32(Number(wide));
      return;
    }
    this.code.byte(0x48 | (to.code >> 3), 0xb8 | (to.code & 7));
    this.code.int64(wide);
  }

  copy(to: Gpr, from: Gpr): void {
    this.wide(from.code, to.code);
    this.code.byte(0x89);
    this.code.registers(from.code, to.code);
  }

  load(to: Gpr, from: Mem): void {
    this.integer(0x8b, to, from);
  }

  store(to: Mem, from: Gpr): void {
    this.integer(0x89, from, to);
  }

  /** Stores the low 32 bits. */
  store32(to: Mem, from: Gpr): void {
    this.rex(0, from.code, to);
    this.code.byte(0x89);
    this.code.memory(from.code, to, 1);
  }

  /** register = address of the operand. */
  lea(to: Gpr, from: Mem): void {
    this.integer(0x8d, to, from);
  }

  /** register = address of a label. */
  address(to: Gpr, of: Label): void {
    this.code.byte(0x48 | ((to.code >> 3) << 2), 0x8d, 5 | ((to.code & 7) << 3));
    this.code.distance(of);
  }

  /** register = from * constant. */
  multiply(to: Gpr, from: Gpr, by: number): void {
    const short = by >= -128 && by <= 127;
    this.wide(to.code, from.code);
    this.code.byte(short ? 0x6b : 0x69);
    this.code.registers(to.code, from.code);
    if (short) this.code.byte(by & 0xff);
    else this.code.int32(by);
  }

  /** Compares a register with itself: `equal` then means zero. */
  test(register: Gpr): void {
    this.wide(register.code, register.code);
    this.code.byte(0x85);
    this.code.registers(register.code, register.code);
  }

  add(to: Gpr, from: Gpr | Mem): void {
    if (from.kind === "mem") {
      this.integer(0x03, to, from);
      return;
    }
    this.wide(from.code, to.code);
    this.code.byte(0x01);
    this.code.registers(from.code, to.code);
  }

  addImm(to: Gpr, value: number): void {
    if (value !== 0) this.immediate(0, to, value);
  }

  subImm(to: Gpr, value: number): void {
    if (value !== 0) this.immediate(5, to, value);
  }

  andImm(to: Gpr, value: number): void {
    this.immediate(4, to, value);
  }

  compareImm(a: Gpr, value: number): void {
    this.immediate(7, a, value);
  }

  jump(to: Label, when?: keyof typeof CONDITIONS): void {
    if (when === undefined) this.code.byte(0xe9);
    else this.code.byte(0x0f, 0x80 | CONDITIONS[when]);
    this.code.distance(to);
  }

  jumpTo(address: Gpr): void {
    if (address.code > 7) this.code.byte(0x41);
    this.code.byte(0xff);
    this.code.registers(4, address.code);
  }

  call(target: Gpr | Label): void {
    if (target instanceof Label) {
      this.code.byte(0xe8);
      this.code.distance(target);
      return;
    }
    if (target.code > 7) this.code.byte(0x41);
    this.code.byte(0xff);
    this.code.registers(2, target.code);
  }

  ret(): void {
    this.code.byte(0xc3);
  }

  push(register: Gpr): void {
    if (register.code > 7) this.code.byte(0x41);
    this.code.byte(0x50 | (register.code & 7));
  }

  pop(register: Gpr): void {
    if (register.code > 7) this.code.byte(0x41);
    this.code.byte(0x58 | (register.code & 7));
  }

  /** Processor facts of leaf eax, subleaf ecx, into eax, ebx, ecx, edx. */
  cpuid(): void {
    this.code.byte(0x0f, 0xa2);
  }

  /** Extended control register ecx into edx:eax: which registers the operating system keeps. */
  xgetbv(): void {
    this.code.byte(0x0f, 0x01, 0xd0);
  }

  /** Brings a cache line closer: to all levels, or to all but the first. */
  prefetch(from: Mem, level: "first" | "second" = "first"): void {
    this.rex(0, 0, from);
    this.code.byte(0x0f, 0x18);
    this.code.memory(level === "first" ? 1 : 2, from, 1);
  }

  /** Four bytes of data. */
  data(value: number): void {
    this.code.int32(value);
  }

  /** mask = the low 16 bits of a register. */
  setMask(to: MaskRegister, from: Gpr): void {
    if (from.code > 7) this.code.byte(0xc4, 0xc1, 0x78, 0x92);
    else this.code.byte(0xc5, 0xf8, 0x92);
    this.code.registers(to.code, from.code);
  }

  /** Forgets the upper halves of vector registers, as callers that use older vectors expect. */
  vzeroupper(): void {
    this.code.byte(0xc5, 0xf8, 0x77);
  }

  /** Floats that a mask leaves out become 0. */
  vload(to: Vector, from: Mem, options: VectorOptions = {}): void {
    const { mask } = options;
    if (mask?.kind === "lanes") {
      this.vload(to, mask.at);
      this.vector(moves.maskedLoad, to, to, from, {});
      return;
    }
    this.vector(moves.load, to, undefined, from, { zero: mask !== undefined, ...options });
  }

  /** Where masks are not of registers, a masked store may change `through`. */
  vstore(
    to: Mem,
    from: Vector,
    { mask, through }: { mask?: Mask | undefined; through?: Vector | undefined } = {},
  ): void {
    if (mask?.kind === "lanes") {
      assert(through !== undefined, "a store of some floats needs a register");
      this.storeFirst(to, from, mask.count, through);
      return;
    }
    this.vector(moves.store, from, undefined, to, { mask });
  }

  /** Stores fours, twos and ones: AMD's processors take long to store by a mask. */
  private storeFirst(to: Mem, from: Vector, count: number, through: Vector): void {
    let rest = from;
    let { displacement } = to;
    const store = (op: VectorOp, floats: number) => {
      this.narrow(op, rest, { ...to, displacement });
      displacement += FLOAT_BYTES * floats;
    };
    if (count & 4) store(moves.store, 4);
    if (count > 4) {
      this.pickLanes(through, from, from, 0x11);
      rest = through;
    }
    if (count & 2) store(moves.storeTwo, 2);
    if ((count & 3) === 3) {
      this.shuffleInLanes(through, rest, rest, 0x4e);
      rest = through;
    }
    if (count & 1) store(moves.storeOne, 1);
  }

  vcopy(to: Vector, from: Vector, options: VectorOptions = {}): void {
    this.vector(moves.copy, to, undefined, from, options);
  }

  vbroadcast(to: Vector, from: Mem): void {
    this.vector(moves.broadcast, to, undefined, from, {}, FLOAT_BYTES);
  }

  /** Repeats one number. Changes `through`. */
  vset(to: Vector, value: number, through: Gpr): void {
    this.set(through, new Uint32Array(Float32Array.of(value).buffer)[0] as number);
    this.vrepeat(to, through);
  }

  /** Repeats the low 32 bits of a register. */
  vrepeat(to: Vector, from: Gpr): void {
    const general: Vector = { kind: "vector", code: from.code };
    if (this.isa.masksAll) {
      this.vector(moves.repeat, to, undefined, general, {});
      return;
    }
    this.narrow(moves.fromGeneral, to, general);
    this.vector(moves.broadcast, to, undefined, to, {});
  }

  vzero(to: Vector): void {
    this.vector(binaryOps.vpxord, to, to, to, {});
  }

  binary(name: BinaryOpName, to: Vector, first: Vector, second: Vector | Mem, options: VectorOptions = {}): void {
    this.vector(binaryOps[name], to, first, second, options);
  }

  unary(name: UnaryOpName, to: Vector, from: Vector | Mem, options: VectorOptions = {}): void {
    this.vector(unaryOps[name], to, undefined, from, options);
  }

  shift(name: ShiftOpName, to: Vector, from: Vector, bits: number): void {
    const op = shiftOps[name];
    this.vector(op, { kind: "vector", code: op.operation }, to, from, {});
    this.code.byte(bits);
  }

  /** Two lanes of 4 floats, each chosen from the four of `first` and `second` by four bits of `choice`. VEX only. */
  pickLanes(to: Vector, first: Vector, second: Vector, choice: number): void {
    this.vector(immediateOps.vperm2f128, to, first, second, {});
    this.code.byte(choice);
  }

  /** Four lanes of 4 floats: two chosen from `first`, then two from `second`, two bits of `choice` each. EVEX only. */
  shuffleLanes(to: Vector, first: Vector, second: Vector, choice: number): void {
    this.vector(immediateOps.vshuff32x4, to, first, second, {});
    this.code.byte(choice);
  }

  /** In each lane: two floats chosen from `first`, then two from `second`, two bits of `choice` each. */
  shuffleInLanes(to: Vector, first: Vector, second: Vector, choice: number): void {
    this.vector(immediateOps.vshufps, to, first, second, {});
    this.code.byte(choice);
  }

  /** The nearest whole numbers, ties to even. */
  round(to: Vector, from: Vector): void {
    this.vector(unaryImmediateOps.vrndscaleps, to, undefined, from, {});
    this.code.byte(0x08);
  }

  protected vector(
    op: VectorOp,
    reg: Vector,
    first: Vector | undefined,
    rm: Vector | Mem,
    { mask, zero = false, broadcast = false }: VectorOptions,
    unit = broadcast ? FLOAT_BYTES : vectorBytes(this.isa),
  ): void {
    const instruction = { op, reg, first, rm };
    if (this.isa.masksAll) {
      assert(mask?.kind !== "lanes", "EVEX has mask registers");
      encodeEvex(this.code, instruction, { mask, zero, broadcast, unit });
      return;
    }
    assert(mask === undefined && !zero && !broadcast, "VEX neither masks nor repeats");
    encodeVex(this.code, instruction);
  }

  protected narrow(op: VectorOp, reg: Vector, rm: Vector | Mem): void {
    encodeVex(this.code, { op, reg, first: undefined, rm }, true);
  }

  private integer(opcode: number, reg: Gpr, rm: Mem): void {
    this.rex(8, reg.code, rm);
    this.code.byte(opcode);
    this.code.memory(reg.code, rm, 1);
  }

  /** One of the eight operations of opcode 81 / 83. */
  private immediate(operation: number, to: Gpr, value: number): void {
    const short = value >= -128 && value <= 127;
    this.wide(0, to.code);
    this.code.byte(short ? 0x83 : 0x81);
    this.code.registers(operation, to.code);
    if (short) this.code.byte(value & 0xff);
    else this.code.int32(value);
  }

  private wide(reg: number, rm: number): void {
    this.code.byte(0x48 | ((reg >> 3) << 2) | (rm >> 3));
  }

  private rex(size: 0 | 8, reg: number, { base, index }: Mem): void {
    const baseBit = base.kind === "label" ? 0 : base.code >> 3;
    const bits = size | ((reg >> 3) << 2) | (((index?.register.code ?? 0) >> 3) << 1) | baseBit;
    if (bits !== 0) this.code.byte(0x40 | bits);
  }
}
