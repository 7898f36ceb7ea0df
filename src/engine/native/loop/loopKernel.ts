import { assert } from "../../../base/errors.ts";
import { DryAssembler } from "../asm/dryAssembler.ts";
import type { VectorIsa } from "../asm/vectorIsa.ts";
import { placeData } from "../executableMemory.ts";
import type { Kernel } from "../kernel.ts";
import { Masks } from "../masks.ts";
import { LoopEmitter } from "./emitLoop.ts";
import { NUM_POINTERS } from "./memory.ts";
import { OutOfRegisters } from "./registers.ts";
import { LOOP_DOWN, type LoopSpec } from "./spec.ts";

/** Outer sides that loops can have. */
const MOST_OUTER = 2;
/** Units for each thread: some to spare, for threads that are held up. */
const UNITS_PER_THREAD = 4;
/** Places that are worth a unit of their own. */
const FEWEST_PER_UNIT = 16 * 1024;
/** Bytes of stack that rows may take. */
const MOST_SCRATCH = 256 * 1024;

/** Registers that the steps of a short body do not need, for certain. */
const SPARE_REGISTERS = 8;

/** Bodies that were tried, by instruction set and spec: the blocks of a model have the same. */
const tried = new Map<string, boolean>();

/** Whether there are registers enough for a loop. */
export function fitsRegisters(spec: LoopSpec, isa: VectorIsa): boolean {
  if (spec.sides.length < 2 || spec.sides.length > 1 + MOST_OUTER) return false;
  const numWalking = spec.inputs.filter((strides) => strides.some((stride) => stride !== 0)).length;
  if (numWalking + spec.outputs.length > NUM_POINTERS) return false;
  if (spec.sides.length !== 3 && spec.body.some(({ op }) => op === LOOP_DOWN)) return false;
  if (spec.body.length <= isa.registers - SPARE_REGISTERS) return true;
  const key = `${isa.name} ${JSON.stringify(spec)}`;
  const known = tried.get(key) ?? isWritten(spec, isa);
  tried.set(key, known);
  return known;
}

function isWritten(spec: LoopSpec, isa: VectorIsa): boolean {
  try {
    const emitter = new LoopEmitter(new DryAssembler(isa), spec, new Masks(isa));
    emitter.emit(1, 0n);
    return emitter.scratchBytes <= MOST_SCRATCH;
  } catch (error) {
    if (error instanceof OutOfRegisters) return false;
    throw error;
  }
}

/** The kernel of a loop, cut for `threads` threads, in the instructions of `isa`. */
export function loopKernel(name: string, spec: LoopSpec, threads: number, isa: VectorIsa): Kernel {
  const [outermost = 1] = spec.sides;
  const size = spec.sides.reduce((product, side) => product * side, 1);
  const wanted = Math.min(threads === 1 ? 1 : threads * UNITS_PER_THREAD, Math.floor(size / FEWEST_PER_UNIT));
  const numUnits = largestDivisor(outermost, Math.max(1, wanted));
  // A dry run tells the constants and the stack.
  const dry = new LoopEmitter(new DryAssembler(isa), spec, new Masks(isa));
  dry.emit(numUnits, 0n);
  const table = placeData(new Uint8Array(dry.table.buffer));
  return {
    name,
    numInputs: spec.inputs.length,
    outputs: spec.outputs.map(({ shape }) => shape),
    numUnits,
    scratchBytes: dry.scratchBytes,
    emitUnit: (asm, masks) => {
      const emitter = new LoopEmitter(asm, spec, masks);
      emitter.emit(numUnits, table);
      assert(emitter.scratchBytes === dry.scratchBytes, "a loop is written the same each time");
    },
  };
}

function largestDivisor(of: number, most: number): number {
  for (let divisor = Math.min(of, most); divisor > 1; divisor--) if (of % divisor === 0) return divisor;
  return 1;
}
