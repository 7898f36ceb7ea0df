import { assert } from "../../../base/errors.ts";
import type { Assembler } from "../asm/assembler.ts";
import { Label } from "../asm/bytes.ts";
import {
  type Gpr,
  type Mask,
  type Mem,
  mem,
  r8,
  r9,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rdx,
  rsi,
  rsp,
  type Zmm,
} from "../asm/registers.ts";
import type { Masks } from "../masks.ts";
import { emitAcross, emitBinary, emitUnary, type MathContext } from "./math.ts";
import { OutOfRegisters, VectorPool } from "./registers.ts";
import {
  factsOf,
  isReduction,
  LOOP_DOWN,
  type LoopSpec,
  type LoopStep,
  operandsOf,
  outputStrides,
  type StepFacts,
} from "./spec.ts";

const VECTOR = 16;
const FLOAT = 4;
const ADDRESS = 8;

/** Walking addresses of inputs and outputs. */
const POINTERS: readonly Gpr[] = [r8, r9, r10, r11, r12, r13, r14, rbx, rbp, rcx, rdx];

/** Tensors that one loop can walk through. */
export const NUM_POINTERS = POINTERS.length;

/** Where a value that later passes need is kept for the length of a row. */
type Kept =
  | { readonly kind: "scratch"; readonly offset: number }
  | { readonly kind: "output"; readonly output: number };

/**
 * Writes one unit of a loop: `sides[0] / numUnits` of the outermost side.
 * Register plan: POINTERS walk through the tensors; r15 the constants; rsi bytes along the row; rax and rdi count the
 * outer sides; vectors as the pool gives them. Stack: rows that later passes need.
 */
export class LoopEmitter {
  private readonly asm: Assembler;
  private readonly spec: LoopSpec;
  private readonly masks: Masks;
  private readonly facts: readonly StepFacts[];
  private readonly pool = new VectorPool();
  private readonly math: MathContext;
  private readonly constants: number[] = [];
  private readonly pointers = new Map<string, Gpr>();
  /** Registers of values that hold for a row or for the loop. */
  private readonly held = new Map<number, Zmm>();
  private readonly kept = new Map<number, Kept>();
  private readonly numPasses: number;
  /** Bytes of stack in use. */
  scratchBytes = 0;

  constructor(asm: Assembler, spec: LoopSpec, masks: Masks) {
    this.asm = asm;
    this.spec = spec;
    this.masks = masks;
    this.facts = factsOf(spec);
    this.numPasses = 1 + Math.max(...this.facts.map(({ pass }) => pass));
    this.math = {
      asm,
      constant: (value) => this.constant(value),
      withTemporaries: (count, use) => this.pool.withTemporaries(count, use),
    };
    this.keepRows();
  }

  /** Constants that the code reads through r15. Complete after `emit`. */
  get table(): Float32Array {
    return Float32Array.from(this.constants);
  }

  /** @throws OutOfRegisters */
  emit(numUnits: number, tableAddress: bigint): void {
    const { asm, spec } = this;
    const [outermost = 1, ...inner] = spec.sides.slice(0, -1);
    asm.set(r15, tableAddress);
    this.setPointers(outermost / numUnits);
    spec.body.forEach((_, id) => {
      if (this.fact(id).extent === "loop") this.hold(id);
    });
    asm.loop(rax, outermost / numUnits, () => {
      const [side] = inner;
      this.clearDown();
      if (side === undefined) this.row();
      else asm.loop(rdi, side, () => this.row());
      if (side !== undefined) this.walk(0, side);
    });
  }

  /** Values of one pass that another needs lie in their output's row, else in a row of their own on the stack. */
  private keepRows(): void {
    const rowBytes = Math.ceil(this.columns / VECTOR) * VECTOR * FLOAT;
    this.spec.body.forEach((step, id) => {
      const { extent, pass } = this.fact(id);
      if (extent !== "place" || step.op === "input" || !this.usedAfter(id, pass)) return;
      const output = this.spec.outputs.findIndex((candidate) => candidate.step === id);
      this.kept.set(id, output >= 0 ? { kind: "output", output } : { kind: "scratch", offset: this.scratchBytes });
      if (output < 0) this.scratchBytes += rowBytes;
    });
  }

  private usedAfter(id: number, pass: number): boolean {
    return this.spec.body.some((step, user) => operandsOf(step).includes(id) && this.passOfUse(user) > pass);
  }

  /** The pass in which a step reads its operands. */
  private passOfUse(id: number): number {
    const step = this.step(id);
    return this.fact(id).pass - (isReduction(step.op) ? 1 : 0);
  }

  private setPointers(unitRows: number): void {
    const { asm, spec } = this;
    const assign = (name: string, place: number, stride: number) => {
      const pointer = POINTERS[this.pointers.size];
      if (pointer === undefined) throw new OutOfRegisters("a loop has too many tensors");
      this.pointers.set(name, pointer);
      asm.load(pointer, mem(rdi, ADDRESS * place));
      if (stride === 0) return;
      asm.multiply(rax, rsi, FLOAT * stride * unitRows);
      asm.add(pointer, rax);
    };
    // Inputs that hold for the whole loop are read once, through rax.
    spec.body.forEach((step, id) => {
      if (step.op !== "input" || this.fact(id).extent !== "loop") return;
      const register = this.pool.take();
      asm.load(rax, mem(rdi, ADDRESS * step.input));
      asm.vbroadcast(register, mem(rax));
      this.held.set(id, register);
    });
    spec.inputs.forEach((strides, input) => {
      if (strides.some((stride) => stride !== 0)) assign(`input ${input}`, input, strides[0] ?? 0);
    });
    spec.outputs.forEach(({ step }, output) => {
      assign(`output ${output}`, spec.inputs.length + output, outputStrides(spec.sides, this.fact(step))[0] ?? 0);
    });
  }

  /** Sums down the rows start at 0 for each outermost index; they grow in their output, which stays in the cache. */
  private clearDown(): void {
    const down = this.spec.outputs.flatMap(({ step }, output) => (this.fact(step).extent === "column" ? [output] : []));
    if (down.length === 0) return;
    this.pool.withTemporaries(1, (zero) => {
      this.asm.vzero(zero);
      this.overColumns((mask) => {
        for (const output of down) this.asm.vstore(this.along(this.pointer(`output ${output}`)), zero, { mask });
      });
    });
  }

  /** One row: its passes, then all pointers to the next row. */
  private row(): void {
    const numAxes = this.spec.sides.length;
    for (let pass = 0; pass < this.numPasses; pass++) {
      this.spec.body.forEach((step, id) => {
        const { extent, pass: own } = this.fact(id);
        if (extent === "row" && own === pass && !isReduction(step.op)) this.hold(id);
      });
      this.columnsPass(pass);
    }
    this.spec.outputs.forEach(({ step }, output) => {
      if (this.fact(step).extent !== "row") return;
      const one = this.masks.first(1);
      this.asm.vstore(mem(this.pointer(`output ${output}`)), this.register(step), { mask: one });
    });
    for (const [id, register] of this.held) {
      if (this.fact(id).extent !== "row") continue;
      this.pool.give(register);
      this.held.delete(id);
    }
    this.walk(numAxes - 2, 0);
  }

  /** Moves every pointer one step along an axis, from behind `done` steps of the next one. */
  private walk(axis: number, done: number): void {
    const move = (name: string, strides: readonly number[]) => {
      const by = (strides[axis] ?? 0) - done * (done === 0 ? 0 : (strides[axis + 1] ?? 0));
      this.asm.addImm(this.pointer(name), FLOAT * by);
    };
    this.spec.inputs.forEach((strides, input) => {
      if (this.pointers.has(`input ${input}`)) move(`input ${input}`, strides);
    });
    this.spec.outputs.forEach(({ step }, output) => {
      move(`output ${output}`, outputStrides(this.spec.sides, this.fact(step)));
    });
  }

  /** All places of a row in one pass: what is computed now, what is written, and sums that end with the row. */
  private columnsPass(pass: number): void {
    const { asm, spec } = this;
    const reductions = spec.body.flatMap((step, id) =>
      isReduction(step.op) && this.passOfUse(id) === pass
        ? [{ id, op: step.op, of: operandsOf(step)[0] as number }]
        : [],
    );
    const computed = spec.body.flatMap((step, id) => {
      const fact = this.fact(id);
      return step.op !== "input" && fact.extent === "place" && fact.pass === pass ? [id] : [];
    });
    const sums = spec.body.flatMap((step, id) => {
      const output = spec.outputs.findIndex((candidate) => candidate.step === id);
      return step.op === LOOP_DOWN && this.fact(id).pass === pass && output >= 0 ? [{ of: step.of[0], output }] : [];
    });
    if (reductions.length === 0 && computed.length === 0 && sums.length === 0) return;
    const wanted = [...reductions, ...sums];
    for (const { id, op } of reductions) {
      const register = this.pool.take();
      this.held.set(id, register);
      if (op === "sum") asm.vzero(register);
      else asm.vbroadcast(register, this.constant(Number.NEGATIVE_INFINITY));
    }
    const body = (mask: Mask | undefined) => {
      const values = new Map<number, Zmm>();
      computed.forEach((id, at) => {
        this.place(id, at, computed, wanted, values, mask);
      });
      for (const { id, op, of } of reductions) {
        const value = this.read(of, values, mask);
        const into = this.register(id);
        asm.binary(op === "sum" ? "vaddps" : "vmaxps", into, into, value, { mask });
      }
      for (const { of, output } of sums) this.addDown(this.read(of, values, mask), output, mask);
      for (const register of values.values()) this.pool.give(register);
    };
    this.overColumns(body);
    for (const { id, op } of reductions) emitAcross(this.math, op === "sum" ? "vaddps" : "vmaxps", this.register(id));
  }

  /** Writes `body` for the vectors of a row; the last may be masked. */
  private overColumns(body: (mask: Mask | undefined) => void): void {
    const { asm } = this;
    const whole = Math.floor(this.columns / VECTOR);
    asm.set(rsi, 0);
    if (whole > 0) {
      const top = new Label();
      asm.bind(top);
      body(undefined);
      asm.addImm(rsi, FLOAT * VECTOR);
      asm.compareImm(rsi, FLOAT * VECTOR * whole);
      asm.jump(top, "notEqual");
    }
    if (this.columns % VECTOR > 0) body(this.masks.first(this.columns % VECTOR));
  }

  private addDown(value: Zmm, output: number, mask: Mask | undefined): void {
    const place = this.along(this.pointer(`output ${output}`));
    this.pool.withTemporaries(1, (sum) => {
      this.asm.vload(sum, place, { mask });
      this.asm.binary("vaddps", sum, sum, value);
      this.asm.vstore(place, sum, { mask });
    });
  }

  /** Computes one value for sixteen places, writes it where it is wanted, and frees what nobody needs any more. */
  private place(
    id: number,
    at: number,
    computed: readonly number[],
    reductions: readonly { readonly of: number }[],
    values: Map<number, Zmm>,
    mask: Mask | undefined,
  ): void {
    const step = this.step(id);
    const operands = operandsOf(step).map((operand) => this.read(operand, values, mask));
    const to = this.pool.take();
    this.compute(step, to, operands);
    values.set(id, to);
    this.spec.outputs.forEach((output, number) => {
      if (output.step === id) this.asm.vstore(this.along(this.pointer(`output ${number}`)), to, { mask });
    });
    const kept = this.kept.get(id);
    if (kept?.kind === "scratch") this.asm.vstore(this.along(rsp, kept.offset), to);
    const later = computed.slice(at + 1).flatMap((other) => operandsOf(this.step(other)));
    for (const [value, register] of values) {
      if (later.includes(value) || reductions.some(({ of }) => of === value)) continue;
      this.pool.give(register);
      values.delete(value);
    }
  }

  /** A value in a register: computed in this pass, held for the row, or read from memory. */
  private read(id: number, values: Map<number, Zmm>, mask: Mask | undefined): Zmm {
    const known = values.get(id) ?? this.held.get(id);
    if (known !== undefined) return known;
    const step = this.step(id);
    const kept = this.kept.get(id);
    const register = this.pool.take();
    values.set(id, register);
    if (step.op === "input") this.asm.vload(register, this.along(this.pointer(`input ${step.input}`)), { mask });
    else if (kept?.kind === "scratch") this.asm.vload(register, this.along(rsp, kept.offset));
    else if (kept?.kind === "output")
      this.asm.vload(register, this.along(this.pointer(`output ${kept.output}`)), { mask });
    else assert(false, `step ${id} is read before it is computed`);
    return register;
  }

  /** Computes a value of a row, or of the loop, into a register of its own. */
  private hold(id: number): void {
    if (this.held.has(id)) return;
    const step = this.step(id);
    const to = this.pool.take();
    this.held.set(id, to);
    if (step.op === "input") this.asm.vbroadcast(to, mem(this.pointer(`input ${step.input}`)));
    else if (step.op === "constant") this.asm.vbroadcast(to, this.constant(step.value));
    else
      this.compute(
        step,
        to,
        operandsOf(step).map((operand) => this.register(operand)),
      );
  }

  private compute(step: LoopStep, to: Zmm, operands: readonly Zmm[]): void {
    const [a, b] = operands;
    assert(
      a !== undefined &&
        step.op !== "input" &&
        step.op !== "constant" &&
        step.op !== LOOP_DOWN &&
        !isReduction(step.op),
      "a computing step",
    );
    switch (step.op) {
      case "add":
      case "sub":
      case "mul":
      case "div":
      case "max":
      case "min":
        assert(b !== undefined, "two operands");
        emitBinary(this.math, step.op, to, a, b);
        break;
      default:
        emitUnary(this.math, step.op, to, a);
    }
  }

  private get columns(): number {
    return this.spec.sides.at(-1) ?? 1;
  }

  private step(id: number): LoopStep {
    const step = this.spec.body[id];
    assert(step !== undefined, `there is no step ${id}`);
    return step;
  }

  private fact(id: number): StepFacts {
    const fact = this.facts[id];
    assert(fact !== undefined, `there is no step ${id}`);
    return fact;
  }

  private register(id: number): Zmm {
    const register = this.held.get(id);
    assert(register !== undefined, `step ${id} is in no register`);
    return register;
  }

  private pointer(name: string): Gpr {
    const pointer = this.pointers.get(name);
    assert(pointer !== undefined, `${name} has no pointer`);
    return pointer;
  }

  private along(base: Gpr, offset = 0): Mem {
    return mem(base, offset, { register: rsi, scale: 1 });
  }

  private constant(value: number): Mem {
    const rounded = Math.fround(value);
    const known = this.constants.findIndex((other) => Object.is(other, rounded));
    const at = known >= 0 ? known : this.constants.push(rounded) - 1;
    return mem(r15, FLOAT * at);
  }
}
