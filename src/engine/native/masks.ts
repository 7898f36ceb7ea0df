import { assert } from "../../base/errors.ts";
import type { Assembler } from "./asm/assembler.ts";
import { Label } from "./asm/label.ts";
import { type Mask, type MaskRegister, mask, mem, rax } from "./asm/registers.ts";
import { type VectorIsa, vectorBytes } from "./asm/vectorIsa.ts";

const ONES = 0xffffffff;
const MINUS_INFINITY = 0xff800000;

/** The masks of one function: each tells the first `count` floats of a vector. */
export class Masks {
  private readonly isa: VectorIsa;
  private readonly registers = new Map<number, MaskRegister>();
  private readonly table = new Label();
  private usesTable = false;

  constructor(isa: VectorIsa) {
    this.isa = isa;
  }

  first(count: number): Mask {
    if (this.isa.masksAll) return this.register(count);
    this.usesTable = true;
    const skipped = vectorBytes(this.isa) - 4 * count;
    const at = mem(this.table, skipped);
    return { kind: "lanes", count, at, lowest: mem(this.table, vectorBytes(this.isa) + skipped) };
  }

  private register(count: number): MaskRegister {
    const known = this.registers.get(count);
    if (known !== undefined) return known;
    assert(this.registers.size < 7, "seven masks at most");
    const fresh = mask(this.registers.size + 1);
    this.registers.set(count, fresh);
    return fresh;
  }

  /** Fills the registers that were asked for. Changes rax. */
  emitRegisters(asm: Assembler): void {
    for (const [count, register] of this.registers) {
      asm.set(rax, 2 ** count - 1);
      asm.setMask(register, rax);
    }
  }

  /** Writes the masks that lie in memory, where no code runs into them. */
  emitTable(asm: Assembler): void {
    if (!this.usesTable) return;
    const end = new Label();
    asm.jump(end);
    asm.bind(this.table);
    for (const value of [ONES, 0, MINUS_INFINITY]) for (let i = 0; i < this.isa.floats; i++) asm.data(value);
    asm.bind(end);
  }
}

/** Writes code that uses masks, with what it needs for them around it: which masks those are is known after it. */
export function withMasks(asm: Assembler, emit: (masks: Masks) => void): void {
  const masks = new Masks(asm.isa);
  if (!asm.isa.masksAll) {
    emit(masks);
    masks.emitTable(asm);
    return;
  }
  const [body, setUp, end] = [new Label(), new Label(), new Label()];
  asm.jump(setUp);
  asm.bind(body);
  emit(masks);
  asm.jump(end);
  asm.bind(setUp);
  masks.emitRegisters(asm);
  asm.jump(body);
  asm.bind(end);
}
