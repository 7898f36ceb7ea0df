import { sizeOf } from "../../../base/tensors.ts";
import { broadcastShapes, denseStrides } from "../../graph/shapes.ts";
import type { Assembler } from "../asm/assembler.ts";
import { Label } from "../asm/label.ts";
import { mem, r8, r9, r10, r11, rax, rdi, rsi } from "../asm/registers.ts";
import type { VectorIsa } from "../asm/vectorIsa.ts";
import { placeData } from "../executableMemory.ts";
import type { Kernel } from "../kernel.ts";
import { type BlockShape, emitBlock, type Span, scratchBytes, split } from "./block.ts";
import type { MaskFor } from "./packing.ts";
import { choosePartition } from "./partition.ts";
import { tileSize } from "./tile.ts";

/** alpha op(a) op(b), for every entry of a batch. */
export interface ProductSpec {
  /** Shapes as in the graph: batch sides, then two of the matrix as it is stored. Batch sides broadcast. */
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
  /** Where tensors are not dense: elements from one index to the next for each axis of a, b and c; 1 for the last. */
  readonly walks?: {
    readonly a: readonly number[];
    readonly b: readonly number[];
    readonly c: readonly number[];
    /** Shape of the result as it lies in memory. */
    readonly shape: readonly number[];
    /** First elements of a and b, where they are parts of tensors. */
    readonly starts?: readonly [a: number, b: number];
  };
}

/** Bytes of a float and of an address. */
const FLOAT = 4;
const ADDRESS = 8;

/** Batches of products smaller than this, in multiply-adds, gain nothing. */
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
  const batch = sizeOf(broadcastShapes(spec.a.slice(0, -2), spec.b.slice(0, -2)));
  return m >= 8 && n >= 8 && k >= 4 && batch * m * n * k >= FEWEST;
}

/** One part of the work: where it starts, in bytes, and which of the emitted blocks does it. */
interface Unit {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly block: number;
}

/** The kernel of a product, cut for `threads` threads, in the instructions of `isa`. */
export function productKernel(name: string, spec: ProductSpec, threads: number, isa: VectorIsa): Kernel {
  const { m, n, k } = sidesOf(spec);
  const { shape: batch, places, block: whole } = entriesOf(spec);
  const tile = tileSize(isa);
  const parts = choosePartition({ batch: places.length, m, n, k, packsA: spec.transA }, threads, tile);
  const rowSpans = split(m, parts.rowParts);
  const columnSpans = split(n, parts.columnParts, tile.panel);
  const [strideA, strideB, strideC] = [whole.a.stride, whole.b.stride, whole.cStride];
  const blocks: BlockShape[] = [];
  const units: Unit[] = [];
  const blockOf = (rows: Span, columns: Span): number => {
    const known = blocks.findIndex((block) => block.m === rows.size && block.n === columns.size);
    if (known >= 0) return known;
    return blocks.push({ ...whole, m: rows.size, n: columns.size }) - 1;
  };
  for (const [a, b, c] of places) {
    for (const rows of rowSpans) {
      for (const columns of columnSpans) {
        units.push({
          a: FLOAT * a + (spec.transA ? FLOAT : strideA) * rows.start,
          b: FLOAT * b + (spec.transB ? strideB : FLOAT) * columns.start,
          c: FLOAT * (c + columns.start) + strideC * rows.start,
          block: blockOf(rows, columns),
        });
      }
    }
  }
  return {
    name,
    numInputs: 2,
    outputs: [spec.walks?.shape ?? [...batch, m, n]],
    numUnits: units.length,
    scratchBytes: Math.max(...blocks.map((block) => scratchBytes(block, isa))),
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

/** Where the matrices of each entry of the batch start in a, b and c, in elements, and how they are multiplied. */
export function entriesOf(spec: ProductSpec): {
  shape: number[];
  places: [number, number, number][];
  block: BlockShape;
} {
  const { m, n, k } = sidesOf(spec);
  const batch = batchOf(spec);
  const walks = spec.walks ?? denseWalks(spec, [...batch.shape, m, n]);
  const rowStride = (strides: readonly number[]) => FLOAT * (strides.at(-2) ?? 0);
  const block = {
    m,
    n,
    k,
    a: { stride: rowStride(walks.a), transposed: spec.transA },
    b: { stride: rowStride(walks.b), transposed: spec.transB },
    cStride: rowStride(walks.c),
    alpha: spec.alpha,
  };
  const [startA, startB] = walks.starts ?? [0, 0];
  const places = batch.entries.map((index): [number, number, number] => [
    startA + placeOf(index, spec.a, walks.a),
    startB + placeOf(index, spec.b, walks.b),
    placeOf(index, undefined, walks.c),
  ]);
  return { shape: batch.shape, places, block };
}

/** The batch: its sides, and the indices of each entry. */
function batchOf({ a, b }: ProductSpec): { shape: number[]; entries: number[][] } {
  const shape = broadcastShapes(a.slice(0, -2), b.slice(0, -2));
  const strides = denseStrides(shape);
  const entries = Array.from({ length: sizeOf(shape) }, (_, entry) =>
    shape.map((side, axis) => Math.floor(entry / (strides[axis] ?? 1)) % side),
  );
  return { shape, entries };
}

function denseWalks({ a, b }: ProductSpec, shape: readonly number[]): NonNullable<ProductSpec["walks"]> {
  return { a: denseStrides(a), b: denseStrides(b), c: denseStrides(shape), shape };
}

/** First element of the matrix at a batch index; sides of 1 in `shape` repeat. */
function placeOf(index: readonly number[], shape: readonly number[] | undefined, strides: readonly number[]): number {
  const numMissing = index.length - (strides.length - 2);
  return index.reduce((place, at, axis) => {
    const own = axis - numMissing;
    return own < 0 || shape?.[own] === 1 ? place : place + at * (strides[own] ?? 0);
  }, 0);
}
