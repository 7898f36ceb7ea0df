import { assert } from "../../../base/errors.ts";
import type { Assembler } from "../asm/assembler.ts";
import { Label } from "../asm/label.ts";
import { type Mask, type Mem, mem, r15, rax, rdi, rsi, type Vector } from "../asm/registers.ts";
import type { Masks } from "../masks.ts";
import { emitAcross, emitBinary, emitUnary, type MathContext } from "./math.ts";
import { LoopMemory } from "./memory.ts";
import { VectorPool } from "./registers.ts";
import {
  factsOf,
  isReduction,
  LOOP_DOWN,
  LOOP_TURN,
  type LoopSpec,
  type LoopStep,
  operandsOf,
  passOfUse,
  type StepFacts,
} from "./spec.ts";

const FLOAT = 4;
const ADDRESS = 8;

/** Part of a row that one emitted body goes over. */
interface Stretch {
  /** Masks the last vector. */
  readonly mask: Mask | undefined;
  /** Which half of the row it is, where halves differ. */
  readonly half: 0 | 1;
}

/**
 * Writes one unit of a loop: `sides[0] / numUnits` of the outermost side.
 * Register plan: those of `LoopMemory`; rax and rdi count the outer sides; vectors as the pool gives them.
 */
export class LoopEmitter {
  private readonly asm: Assembler;
  private readonly spec: LoopSpec;
  private readonly masks: Masks;
  private readonly facts: readonly StepFacts[];
  private readonly memory: LoopMemory;
  private readonly pool: VectorPool;
  private readonly math: MathContext;
  /** Registers of values that hold for a row or for the loop. */
  private readonly held = new Map<number, Vector>();
  private readonly numPasses: number;

  constructor(asm: Assembler, spec: LoopSpec, masks: Masks) {
    this.asm = asm;
    this.spec = spec;
    this.masks = masks;
    this.facts = factsOf(spec);
    this.pool = new VectorPool(asm.isa.registers);
    this.memory = new LoopMemory(asm, spec, this.facts);
    this.numPasses = 1 + Math.max(...this.facts.map(({ pass }) => pass));
    this.math = {
      asm,
      constant: (value) => this.memory.constant(value),
      withTemporaries: (count, use) => this.pool.withTemporaries(count, use),
    };
  }

  /** Constants that the code reads. Complete after `emit`. */
  get table(): Float32Array {
    return this.memory.table;
  }

  /** Bytes of stack in use. */
  get scratchBytes(): number {
    return this.memory.scratchBytes;
  }

  /** @throws OutOfRegisters */
  emit(numUnits: number, tableAddress: bigint): void {
    const { asm, spec } = this;
    const [outermost = 1, ...inner] = spec.sides.slice(0, -1);
    asm.set(r15, tableAddress);
    this.readLoopInputs();
    this.memory.setPointers(outermost / numUnits);
    spec.body.forEach((_, id) => {
      if (this.fact(id).extent === "loop") this.hold(id);
    });
    asm.loop(rax, outermost / numUnits, () => {
      const [side] = inner;
      this.clearDown();
      if (side === undefined) this.row();
      else asm.loop(rdi, side, () => this.row());
      if (side !== undefined) this.memory.walk(0, side);
    });
  }

  /** Inputs that hold for the whole loop are read once, through rax. */
  private readLoopInputs(): void {
    this.spec.body.forEach((step, id) => {
      if (step.op !== "input" || this.fact(id).extent !== "loop") return;
      const register = this.pool.take();
      this.asm.load(rax, mem(rdi, ADDRESS * step.input));
      this.asm.vbroadcast(register, mem(rax, FLOAT * (this.spec.starts?.[step.input] ?? 0)));
      this.held.set(id, register);
    });
  }

  /** Sums down the rows start at 0 for each outermost index; they grow in their output, which stays in the cache. */
  private clearDown(): void {
    const { asm, memory } = this;
    const down = this.spec.outputs.flatMap(({ step }, output) => (this.fact(step).extent === "column" ? [output] : []));
    if (down.length === 0) return;
    this.pool.withTemporaries(1, (zero) => {
      asm.vzero(zero);
      this.overColumns(false, ({ mask }) => {
        for (const output of down) this.store(memory.along(memory.output(output)), zero, mask);
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
      this.store(mem(this.memory.output(output)), this.register(step), this.masks.first(1));
    });
    for (const [id, register] of this.held) {
      if (this.fact(id).extent !== "row") continue;
      this.pool.give(register);
      this.held.delete(id);
    }
    this.memory.walk(numAxes - 2, 0);
  }

  /** All places of a row in one pass: what is computed now, what is written, and sums that end with the row. */
  private columnsPass(pass: number): void {
    const { asm, spec } = this;
    const reductions = spec.body.flatMap((step, id) =>
      isReduction(step.op) && passOfUse(step, this.fact(id)) === pass
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
    const wanted = [...reductions, ...sums].map(({ of }) => of);
    for (const { id, op } of reductions) {
      const register = this.pool.take();
      this.held.set(id, register);
      if (op === "sum") asm.vzero(register);
      else asm.vbroadcast(register, this.memory.constant(Number.NEGATIVE_INFINITY));
    }
    const turns = computed.some((id) => this.step(id).op === LOOP_TURN);
    this.overColumns(turns, (stretch) => {
      const values = new Map<number, Vector>();
      computed.forEach((id, at) => {
        this.place(id, values, stretch);
        const later = computed.slice(at + 1).flatMap((other) => operandsOf(this.step(other)));
        this.forget(values, [...later, ...wanted]);
      });
      for (const { id, op, of } of reductions) {
        this.gather(op === "sum" ? "vaddps" : "vmaxps", this.register(id), this.read(of, values, stretch), stretch);
      }
      for (const { of, output } of sums) this.addDown(this.read(of, values, stretch), output, stretch);
      this.forget(values, []);
    });
    for (const { id, op } of reductions) emitAcross(this.math, op === "sum" ? "vaddps" : "vmaxps", this.register(id));
  }

  /** Writes `body` for the vectors of a row; the last may be masked. Rows of which halves differ have whole vectors. */
  private overColumns(inHalves: boolean, body: (stretch: Stretch) => void): void {
    const { asm } = this;
    const { floats } = asm.isa;
    const whole = Math.floor(this.columns / floats);
    asm.set(rsi, 0);
    const upTo = (vectors: number, half: 0 | 1) => {
      if (vectors === 0) return;
      const top = new Label();
      asm.bind(top);
      body({ mask: undefined, half });
      asm.addImm(rsi, FLOAT * floats);
      asm.compareImm(rsi, FLOAT * floats * vectors);
      asm.jump(top, "notEqual");
    };
    if (inHalves) upTo(whole / 2, 0);
    upTo(whole, inHalves ? 1 : 0);
    if (this.columns % floats > 0) body({ mask: this.masks.first(this.columns % floats), half: 0 });
  }

  /** into += value, or their maximum; floats that a mask leaves out do not count. */
  private gather(op: "vaddps" | "vmaxps", into: Vector, value: Vector, { mask }: Stretch): void {
    const { asm } = this;
    if (mask?.kind !== "lanes") {
      asm.binary(op, into, into, value, { mask });
      return;
    }
    this.pool.withTemporaries(1, (counting) => {
      asm.binary("vpandd", counting, value, mask.at);
      if (op === "vmaxps") asm.binary("vpord", counting, counting, mask.lowest);
      asm.binary(op, into, into, counting);
    });
  }

  private store(place: Mem, value: Vector, mask: Mask | undefined): void {
    if (mask?.kind !== "lanes") this.asm.vstore(place, value, { mask });
    else this.pool.withTemporaries(1, (through) => this.asm.vstore(place, value, { mask, through }));
  }

  private addDown(value: Vector, output: number, { mask }: Stretch): void {
    const place = this.memory.along(this.memory.output(output));
    this.pool.withTemporaries(1, (sum) => {
      this.asm.vload(sum, place, { mask });
      this.asm.binary("vaddps", sum, sum, value);
      this.store(place, sum, mask);
    });
  }

  /** Computes one value for a vector of places, and writes it where it is wanted. */
  private place(id: number, values: Map<number, Vector>, stretch: Stretch): void {
    const { asm, memory } = this;
    const step = this.step(id);
    const to = step.op === LOOP_TURN ? this.turn(step.of, values, stretch) : this.computed(step, values, stretch);
    values.set(id, to);
    this.spec.outputs.forEach((output, number) => {
      if (output.step === id) this.store(memory.along(memory.output(number)), to, stretch.mask);
    });
    const scratch = memory.scratchOf(id);
    if (scratch !== undefined) asm.vstore(scratch, to);
  }

  private computed(step: LoopStep, values: Map<number, Vector>, stretch: Stretch): Vector {
    const operands = operandsOf(step).map((operand) => this.read(operand, values, stretch));
    const to = this.pool.take();
    this.compute(step, to, operands);
    return to;
  }

  /** First half: x cos - other sin; second half: x cos + other sin. The other half lies in memory; the tables repeat. */
  private turn([x, cos, sin]: readonly number[], values: Map<number, Vector>, stretch: Stretch): Vector {
    assert(x !== undefined && cos !== undefined && sin !== undefined, "a turn has three operands");
    const { asm, memory } = this;
    const [halfBytes, isFirst] = [(FLOAT * this.columns) / 2, stretch.half === 0];
    const table = (id: number) => memory.valueAt(id, isFirst ? 0 : -halfBytes);
    const own = this.read(x, values, stretch);
    const to = this.pool.take();
    this.pool.withTemporaries(1, (other) => {
      asm.vload(other, memory.valueAt(x, isFirst ? halfBytes : -halfBytes));
      asm.binary("vmulps", to, own, table(cos));
      asm.binary(isFirst ? "vfnmadd231ps" : "vfmadd231ps", to, other, table(sin));
    });
    return to;
  }

  /** Frees the registers of values that nobody needs any more. */
  private forget(values: Map<number, Vector>, needed: readonly number[]): void {
    for (const [value, register] of values) {
      if (needed.includes(value)) continue;
      this.pool.give(register);
      values.delete(value);
    }
  }

  /** A value in a register: computed in this pass, held for the row, or read from memory. */
  private read(id: number, values: Map<number, Vector>, { mask }: Stretch): Vector {
    const known = values.get(id) ?? this.held.get(id);
    if (known !== undefined) return known;
    const register = this.pool.take();
    values.set(id, register);
    this.asm.vload(register, this.memory.valueAt(id), { mask });
    return register;
  }

  /** Computes a value of a row, or of the loop, into a register of its own. */
  private hold(id: number): void {
    if (this.held.has(id)) return;
    const step = this.step(id);
    const to = this.pool.take();
    this.held.set(id, to);
    if (step.op === "input") this.asm.vbroadcast(to, mem(this.memory.input(step.input)));
    else if (step.op === "constant") this.asm.vbroadcast(to, this.memory.constant(step.value));
    else
      this.compute(
        step,
        to,
        operandsOf(step).map((operand) => this.register(operand)),
      );
  }

  private compute(step: LoopStep, to: Vector, operands: readonly Vector[]): void {
    const [a, b] = operands;
    assert(a !== undefined, "a computing step");
    switch (step.op) {
      case "input":
      case "constant":
      case "sum":
      case "reduceMax":
      case LOOP_DOWN:
      case LOOP_TURN:
        assert(false, `${step.op} is computed elsewhere`);
        break;
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

  private register(id: number): Vector {
    const register = this.held.get(id);
    assert(register !== undefined, `step ${id} is in no register`);
    return register;
  }
}
