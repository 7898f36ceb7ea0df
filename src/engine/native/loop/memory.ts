import { assert } from "../../../base/errors.ts";
import type { Assembler } from "../asm/assembler.ts";
import {
  type Gpr,
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
} from "../asm/registers.ts";
import { OutOfRegisters } from "./registers.ts";
import { type LoopSpec, operandsOf, outputStrides, passOfUse, type StepFacts } from "./spec.ts";

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
 * Where a loop's tensors, rows and constants lie. Register plan: POINTERS walk through the tensors; r15 the constants;
 * rsi bytes along the row. Stack: rows that later passes need.
 */
export class LoopMemory {
  private readonly asm: Assembler;
  private readonly spec: LoopSpec;
  private readonly facts: readonly StepFacts[];
  private readonly constants: number[] = [];
  private readonly pointers = new Map<string, Gpr>();
  private readonly kept = new Map<number, Kept>();
  /** Bytes of stack in use. */
  scratchBytes = 0;

  constructor(asm: Assembler, spec: LoopSpec, facts: readonly StepFacts[]) {
    this.asm = asm;
    this.spec = spec;
    this.facts = facts;
    this.keepRows();
  }

  /** Constants that the code reads through r15: whole vectors, where instructions do not repeat single floats. */
  get table(): Float32Array {
    return Float32Array.from(this.constants.flatMap((value) => Array.from({ length: this.floatsEach }, () => value)));
  }

  private get floatsEach(): number {
    return this.asm.isa.masksAll ? 1 : this.asm.isa.floats;
  }

  constant(value: number): Mem {
    const rounded = Math.fround(value);
    const known = this.constants.findIndex((other) => Object.is(other, rounded));
    const at = known >= 0 ? known : this.constants.push(rounded) - 1;
    return mem(r15, FLOAT * this.floatsEach * at);
  }

  input(input: number): Gpr {
    return this.pointer(`input ${input}`);
  }

  output(output: number): Gpr {
    return this.pointer(`output ${output}`);
  }

  /** The place in a row that rsi stands at, or one some bytes further on. */
  along(base: Gpr, offset = 0): Mem {
    return mem(base, offset, { register: rsi, scale: 1 });
  }

  /** Where a step's value lies: in its input, or kept from an earlier pass. */
  valueAt(id: number, offset = 0): Mem {
    const step = this.spec.body[id];
    if (step?.op === "input") return this.along(this.input(step.input), offset);
    const kept = this.kept.get(id);
    assert(kept !== undefined, `step ${id} is read before it is computed`);
    return kept.kind === "scratch"
      ? this.along(rsp, kept.offset + offset)
      : this.along(this.output(kept.output), offset);
  }

  /** Where a step's value must be kept on the stack; undefined where nobody needs it later, or it lies in an output. */
  scratchOf(id: number): Mem | undefined {
    const kept = this.kept.get(id);
    return kept?.kind === "scratch" ? this.along(rsp, kept.offset) : undefined;
  }

  /** Sets all pointers to the first row of unit rsi. @throws OutOfRegisters */
  setPointers(unitRows: number): void {
    const { asm, spec } = this;
    const assign = (name: string, place: number, stride: number, start = 0) => {
      const pointer = POINTERS[this.pointers.size];
      if (pointer === undefined) throw new OutOfRegisters("a loop has too many tensors");
      this.pointers.set(name, pointer);
      asm.load(pointer, mem(rdi, ADDRESS * place));
      asm.addImm(pointer, FLOAT * start);
      if (stride === 0) return;
      asm.multiply(rax, rsi, FLOAT * stride * unitRows);
      asm.add(pointer, rax);
    };
    spec.inputs.forEach((strides, input) => {
      if (strides.some((stride) => stride !== 0))
        assign(`input ${input}`, input, strides[0] ?? 0, spec.starts?.[input]);
    });
    spec.outputs.forEach(({ step }, output) => {
      assign(`output ${output}`, spec.inputs.length + output, this.outputStrides(step)[0] ?? 0);
    });
  }

  /** Moves every pointer one step along an axis, from behind `done` steps of the next one. */
  walk(axis: number, done: number): void {
    const move = (pointer: Gpr, strides: readonly number[]) => {
      const by = (strides[axis] ?? 0) - done * (done === 0 ? 0 : (strides[axis + 1] ?? 0));
      this.asm.addImm(pointer, FLOAT * by);
    };
    this.spec.inputs.forEach((strides, input) => {
      if (this.pointers.has(`input ${input}`)) move(this.input(input), strides);
    });
    this.spec.outputs.forEach(({ step }, output) => {
      move(this.output(output), this.outputStrides(step));
    });
  }

  /** Values of one pass that another needs lie in their output's row, else in a row of their own on the stack. */
  private keepRows(): void {
    const { body, outputs, sides } = this.spec;
    const { floats } = this.asm.isa;
    const rowBytes = Math.ceil((sides.at(-1) ?? 1) / floats) * floats * FLOAT;
    body.forEach((step, id) => {
      const { extent, pass } = this.fact(id);
      if (extent !== "place" || step.op === "input" || !this.usedAfter(id, pass)) return;
      const output = outputs.findIndex((candidate) => candidate.step === id);
      this.kept.set(id, output >= 0 ? { kind: "output", output } : { kind: "scratch", offset: this.scratchBytes });
      if (output < 0) this.scratchBytes += rowBytes;
    });
  }

  private usedAfter(id: number, pass: number): boolean {
    const { body } = this.spec;
    return body.some((step, user) => operandsOf(step).includes(id) && passOfUse(step, this.fact(user)) > pass);
  }

  private outputStrides(step: number): number[] {
    return outputStrides(this.spec.sides, this.fact(step));
  }

  private fact(id: number): StepFacts {
    const fact = this.facts[id];
    assert(fact !== undefined, `there is no step ${id}`);
    return fact;
  }

  private pointer(name: string): Gpr {
    const pointer = this.pointers.get(name);
    assert(pointer !== undefined, `${name} has no pointer`);
    return pointer;
  }
}
