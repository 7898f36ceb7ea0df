import { assert } from "../../../base/errors.ts";
import { CodeBytes, Label } from "./bytes.ts";
import type { Gpr, Mask, Mem, Zmm } from "./registers.ts";
import {
  type BinaryOpName,
  binaryOps,
  immediateOps,
  moves,
  type UnaryOpName,
  unaryImmediateOps,
  unaryOps,
  type VectorOp,
} from "./vectorOps.ts";

/** Conditions of jumps after `cmp a, b`: unsigned where it matters. */
const CONDITIONS = { equal: 0x4, notEqual: 0x5, below: 0x2, notBelow: 0x3 } as const;

export interface VectorOptions {
  /** Floats that are written; the others keep their value, or become 0 when `zero` is set. */
  readonly mask?: Mask | undefined;
  readonly zero?: boolean;
  /** Reads one float from memory and repeats it. */
  readonly broadcast?: boolean;
}

/** Bytes that a vector's memory operand spans: short displacements count in these. */
const VECTOR_BYTES = 64;
const FLOAT_BYTES = 4;

/** Writes x86-64 machine code, with AVX-512F vectors of 16 floats. Destination first, as Intel writes it. */
export class Assembler {
  private readonly code = new CodeBytes();

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

  /** Brings a cache line closer: `t0` to all levels. */
  prefetch(from: Mem): void {
    this.rex(0, 0, from);
    this.code.byte(0x0f, 0x18);
    this.code.memory(1, from, 1);
  }

  /** mask = the low 16 bits of a register. */
  setMask(to: Mask, from: Gpr): void {
    if (from.code > 7) this.code.byte(0xc4, 0xc1, 0x78, 0x92);
    else this.code.byte(0xc5, 0xf8, 0x92);
    this.code.registers(to.code, from.code);
  }

  /** Forgets the upper halves of vector registers, as callers that use older vectors expect. */
  vzeroupper(): void {
    this.code.byte(0xc5, 0xf8, 0x77);
  }

  vload(to: Zmm, from: Mem, options: VectorOptions = {}): void {
    this.vector(moves.load, to, undefined, from, { zero: options.mask !== undefined, ...options });
  }

  vstore(to: Mem, from: Zmm, options: VectorOptions = {}): void {
    this.vector(moves.store, from, undefined, to, options);
  }

  vcopy(to: Zmm, from: Zmm, options: VectorOptions = {}): void {
    this.vector(moves.copy, to, undefined, from, options);
  }

  vbroadcast(to: Zmm, from: Mem): void {
    this.vector(moves.broadcast, to, undefined, from, {}, FLOAT_BYTES);
  }

  /** Repeats one number. Changes `through`. */
  vset(to: Zmm, value: number, through: Gpr): void {
    this.set(through, new Uint32Array(Float32Array.of(value).buffer)[0] as number);
    this.vrepeat(to, through);
  }

  /** Repeats the low 32 bits of a register. */
  vrepeat(to: Zmm, from: Gpr): void {
    this.vector(moves.repeat, to, undefined, { kind: "zmm", code: from.code }, {});
  }

  vzero(to: Zmm): void {
    this.vector(binaryOps.vpxord, to, to, to, {});
  }

  binary(name: BinaryOpName, to: Zmm, first: Zmm, second: Zmm | Mem, options: VectorOptions = {}): void {
    this.vector(binaryOps[name], to, first, second, options);
  }

  unary(name: UnaryOpName, to: Zmm, from: Zmm | Mem, options: VectorOptions = {}): void {
    this.vector(unaryOps[name], to, undefined, from, options);
  }

  /** Four lanes of 4 floats: two chosen from `first`, then two from `second`, two bits of `choice` each. */
  shuffleLanes(to: Zmm, first: Zmm, second: Zmm, choice: number): void {
    this.vector(immediateOps.vshuff32x4, to, first, second, {});
    this.code.byte(choice);
  }

  /** In each lane: two floats chosen from `first`, then two from `second`, two bits of `choice` each. */
  shuffleInLanes(to: Zmm, first: Zmm, second: Zmm, choice: number): void {
    this.vector(immediateOps.vshufps, to, first, second, {});
    this.code.byte(choice);
  }

  /** The nearest whole numbers, ties to even. */
  round(to: Zmm, from: Zmm): void {
    this.vector(unaryImmediateOps.vrndscaleps, to, undefined, from, {});
    this.code.byte(0x08);
  }

  private vector(
    { map, prefix, opcode, wide }: VectorOp,
    reg: Zmm,
    first: Zmm | undefined,
    rm: Zmm | Mem,
    { mask, zero = false, broadcast = false }: VectorOptions,
    unit = broadcast ? FLOAT_BYTES : VECTOR_BYTES,
  ): void {
    const base = rm.kind === "mem" ? rm.base.code : rm.code;
    const extra = rm.kind === "mem" ? (rm.index?.register.code ?? 0) >> 3 : rm.code >> 4;
    const second = first?.code ?? 0;
    const notBit = (bit: number, place: number) => (bit & 1 ? 0 : 1 << place);
    this.code.byte(
      0x62,
      notBit(reg.code >> 3, 7) | notBit(extra, 6) | notBit(base >> 3, 5) | notBit(reg.code >> 4, 4) | map,
      (wide << 7) | ((~second & 15) << 3) | 4 | prefix,
      (zero ? 0x80 : 0) | 0x40 | (broadcast ? 0x10 : 0) | notBit(second >> 4, 3) | (mask?.code ?? 0),
      opcode,
    );
    if (rm.kind === "mem") this.code.memory(reg.code, rm, unit);
    else this.code.registers(reg.code, rm.code);
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
    const bits = size | ((reg >> 3) << 2) | (((index?.register.code ?? 0) >> 3) << 1) | (base.code >> 3);
    if (bits !== 0) this.code.byte(0x40 | bits);
  }
}
