import { sizeOf } from "../../../base/tensors.ts";
import { broadcastShapes } from "../../graph/shapes.ts";
import type { Assembler } from "../asm/assembler.ts";
import { Label } from "../asm/bytes.ts";
import { mem, r8, r9, r10, r11, rax, rdi, rsi } from "../asm/registers.ts";
import { placeData } from "../executableMemory.ts";
import type { Kernel } from "../kernel.ts";
import { type BlockShape, emitBlock, type Span, scratchBytes, split } from "./block.ts";
import type { MaskFor } from "./packing.ts";
import { choosePartition } from "./partition.ts";
import { PANEL } from "./tile.ts";

/** alpha op(a) op(b), for every entry of a batch. */
export interface ProductSpec {
  /** Shapes as in the graph: batch sides, then two of the matrix as it is stored. Batch sides broadcast. */
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
}

/** Bytes of a float and of an address. */
const FLOAT = 4;
const ADDRESS = 8;

/** Products smaller than this, in multiply-adds, gain nothing. */
const FEWEST = 32 * 1024;

/** Sides of the product: c is m by n, the inner side is k. */
export function sidesOf({ a, b, transA, transB }: ProductSpec): { m: number; n: number; k: number } {
  const side = (shape: readonly number[], fromEnd: number) => shape.at(-fromEnd) ?? 0;
  return {
    m: side(a, transA ? 1 : 2),
    k: side(a, transA ? 2 : 1),
    n: side(b, transB ? 2 : 1),
  };
}

/** Whether the kernel below is the better way: enough rows share each packed column, and enough work. */
export function suitsKernel(spec: ProductSpec): boolean {
  const { m, n, k } = sidesOf(spec);
  return m >= 8 && n >= 8 && k >= 4 && m * n * k >= FEWEST;
}

/** One part of the work: where it starts, in bytes, and which of the emitted blocks does it. */
interface Unit {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly block: number;
}

/** The kernel of a product, cut for `threads` threads. */
export function productKernel(name: string, spec: ProductSpec, threads: number): Kernel {
  const { m, n, k } = sidesOf(spec);
  const batch = batchOf(spec);
  const parts = choosePartition({ batch: batch.entries.length, m, n, k }, threads);
  const rowSpans = split(m, parts.rowParts);
  const columnSpans = split(n, parts.columnParts, PANEL);
  const [strideA, strideB] = [FLOAT * (spec.a.at(-1) ?? 0), FLOAT * (spec.b.at(-1) ?? 0)];
  const blocks: BlockShape[] = [];
  const units: Unit[] = [];
  const blockOf = (rows: Span, columns: Span): number => {
    const known = blocks.findIndex((block) => block.m === rows.size && block.n === columns.size);
    if (known >= 0) return known;
    return (
      blocks.push({
        m: rows.size,
        n: columns.size,
        k,
        a: { stride: strideA, transposed: spec.transA },
        b: { stride: strideB, transposed: spec.transB },
        cStride: FLOAT * n,
        alpha: spec.alpha,
      }) - 1
    );
  };
  batch.entries.forEach(({ a, b }, entry) => {
    for (const rows of rowSpans) {
      for (const columns of columnSpans) {
        units.push({
          a: FLOAT * a * m * k + (spec.transA ? FLOAT : strideA) * rows.start,
          b: FLOAT * b * k * n + (spec.transB ? strideB : FLOAT) * columns.start,
          c: FLOAT * (entry * m * n + rows.start * n + columns.start),
          block: blockOf(rows, columns),
        });
      }
    }
  });
  return {
    name,
    numInputs: 2,
    outputs: [[...batch.shape, m, n]],
    numUnits: units.length,
    scratchBytes: Math.max(...blocks.map((block) => scratchBytes(block))),
    emitUnit: (asm, masks) => emitUnits(asm, units, blocks, (count) => masks.first(count)),
  };
}

/** Finds the unit's place in a table, and goes to its block. */
function emitUnits(asm: Assembler, units: readonly Unit[], blocks: readonly BlockShape[], maskFor: MaskFor): void {
  const rows = units.flatMap(({ a, b, c, block }) => [a, b, c, block]);
  const table = placeData(new Uint8Array(BigInt64Array.from(rows, BigInt).buffer));
  asm.multiply(rsi, rsi, 4 * ADDRESS);
  asm.set(r11, table);
  asm.add(r11, rsi);
  [r8, r9, r10].forEach((base, tensor) => {
    asm.load(base, mem(rdi, ADDRESS * tensor));
    asm.add(base, mem(r11, ADDRESS * tensor));
  });
  asm.load(rax, mem(r11, 3 * ADDRESS));
  const end = new Label();
  blocks.forEach((block, i) => {
    const next = new Label();
    asm.compareImm(rax, i);
    asm.jump(next, "notEqual");
    emitBlock(asm, block, maskFor);
    asm.jump(end);
    asm.bind(next);
  });
  asm.bind(end);
}

/** The batch: its sides, and for each entry which matrix of a and which of b it takes. */
function batchOf({ a, b }: ProductSpec): { shape: number[]; entries: { a: number; b: number }[] } {
  const [sidesA, sidesB] = [a.slice(0, -2), b.slice(0, -2)];
  const shape = broadcastShapes(sidesA, sidesB);
  const entries = Array.from({ length: sizeOf(shape) }, (_, entry) => ({
    a: broadcastIndex(entry, shape, sidesA),
    b: broadcastIndex(entry, shape, sidesB),
  }));
  return { shape, entries };
}

/** The element of `sides` that stands at element `index` of the shape it is broadcast to. */
function broadcastIndex(index: number, shape: readonly number[], sides: readonly number[]): number {
  let [rest, place, stride] = [index, 0, 1];
  for (let fromEnd = 1; fromEnd <= shape.length; fromEnd++) {
    const side = shape.at(-fromEnd) ?? 1;
    const own = sides.at(-fromEnd) ?? 1;
    if (own > 1) place += (rest % side) * stride;
    rest = Math.floor(rest / side);
    stride *= own;
  }
  return place;
}
