import type { Assembler } from "../asm/assembler.ts";
import { DryAssembler } from "../asm/dryAssembler.ts";
import { mem, r8, r9, r10, r11, rax, rdi, rsi, rsp } from "../asm/registers.ts";
import type { VectorIsa } from "../asm/vectorIsa.ts";
import { placeData } from "../executableMemory.ts";
import type { Kernel } from "../kernel.ts";
import { LoopEmitter } from "../loop/emitLoop.ts";
import type { LoopSpec } from "../loop/spec.ts";
import { Masks, withMasks } from "../masks.ts";
import { type BlockShape, emitBlock, scratchBytes } from "../product/block.ts";

/** What a stage reads or writes: a part of a tensor for each entry, or a matrix that one entry keeps for itself. */
export type ChainOperand =
  | { readonly from: "input" | "output"; readonly index: number; readonly offsets: readonly number[] }
  | { readonly from: "kept"; readonly index: number };

/** One matrix product, or one loop, of an entry. Operands: a, b and c, or the loop's inputs and then its outputs. */
export type ChainStage =
  | { readonly kind: "product"; readonly block: BlockShape; readonly operands: readonly ChainOperand[] }
  | { readonly kind: "loop"; readonly loop: LoopSpec; readonly operands: readonly ChainOperand[] };

/**
 * Products and loops over the same batch, done entry by entry, so that what lies between them stays in the cache and,
 * where nobody else reads it, never reaches memory: attention of one head. Offsets are in floats.
 */
export interface ChainSpec {
  readonly numInputs: number;
  readonly outputs: readonly (readonly number[])[];
  readonly entries: number;
  /** Floats of each matrix that an entry keeps. */
  readonly kept: readonly number[];
  readonly stages: readonly ChainStage[];
}

const FLOAT = 4;
const ADDRESS = 8;

/** The kernel of a chain, in the instructions of `isa`: each entry of the batch is a unit. */
export function chainKernel(name: string, spec: ChainSpec, isa: VectorIsa): Kernel {
  const stages = spec.stages.map((stage) => prepare(stage, isa));
  const slots = spec.stages.flatMap(({ operands }) => operands);
  const pointersAt = roundUp(Math.max(...stages.map((stage) => stage.scratchBytes)));
  let end = pointersAt + roundUp(ADDRESS * slots.length);
  const keptAt = spec.kept.map((floats) => {
    const at = end;
    end += roundUp(FLOAT * floats);
    return at;
  });
  const offsets = Array.from({ length: spec.entries }, (_, entry) =>
    slots.map((slot) => (slot.from === "kept" ? 0 : FLOAT * (slot.offsets[entry] ?? 0))),
  );
  const table = placeData(new Uint8Array(BigInt64Array.from(offsets.flat(), BigInt).buffer));
  const emitPointers = (asm: Assembler) => {
    asm.multiply(rsi, rsi, ADDRESS * slots.length);
    asm.set(r11, table);
    asm.add(r11, rsi);
    slots.forEach((slot, i) => {
      if (slot.from === "kept") asm.lea(rax, mem(rsp, keptAt[slot.index] ?? 0));
      else {
        asm.load(rax, mem(rdi, ADDRESS * (slot.from === "input" ? slot.index : spec.numInputs + slot.index)));
        asm.add(rax, mem(r11, ADDRESS * i));
      }
      asm.store(mem(rsp, pointersAt + ADDRESS * i), rax);
    });
  };
  return {
    name,
    numInputs: spec.numInputs,
    outputs: spec.outputs,
    numUnits: spec.entries,
    scratchBytes: end,
    emitUnit: (asm) => {
      emitPointers(asm);
      let slot = 0;
      for (const stage of stages) {
        stage.emit(asm, pointersAt + ADDRESS * slot);
        slot += stage.numOperands;
      }
    },
  };
}

interface PreparedStage {
  readonly numOperands: number;
  readonly scratchBytes: number;
  /** Writes the stage; the addresses of its operands lie at rsp + pointersAt. */
  emit(asm: Assembler, pointersAt: number): void;
}

function prepare(stage: ChainStage, isa: VectorIsa): PreparedStage {
  const numOperands = stage.operands.length;
  if (stage.kind === "product") {
    const emit: PreparedStage["emit"] = (asm, pointersAt) => {
      [r8, r9, r10].forEach((base, operand) => {
        asm.load(base, mem(rsp, pointersAt + ADDRESS * operand));
      });
      withMasks(asm, (masks) => emitBlock(asm, stage.block, (count) => masks.first(count)));
    };
    return { numOperands, scratchBytes: scratchBytes(stage.block, isa), emit };
  }
  const dry = new LoopEmitter(new DryAssembler(isa), stage.loop, new Masks(isa));
  dry.emit(1, 0n);
  const constants = placeData(new Uint8Array(dry.table.buffer));
  const emit: PreparedStage["emit"] = (asm, pointersAt) => {
    asm.lea(rdi, mem(rsp, pointersAt));
    asm.set(rsi, 0);
    withMasks(asm, (masks) => new LoopEmitter(asm, stage.loop, masks).emit(1, constants));
  };
  return { numOperands, scratchBytes: dry.scratchBytes, emit };
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
