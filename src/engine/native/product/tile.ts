import type { Assembler } from "../asm/assembler.ts";
import { type Gpr, type Mask, mem, rax, rcx, rdi, rdx, rsi, type Vector, vector } from "../asm/registers.ts";
import { type VectorIsa, vectorBytes } from "../asm/vectorIsa.ts";

/** The largest tile, and what follows from it. */
export interface TileSize {
  /** Rows: with two vectors each they leave four registers, two for b and two for a. */
  readonly rows: number;
  /** Columns, and those of a packed panel of b: two vectors. */
  readonly panel: number;
  /** How many bytes ahead of its use b is called into the cache; 0 leaves that to the processor. Found by trial. */
  readonly ahead: number;
}

export function tileSize({ name, registers, floats }: VectorIsa): TileSize {
  return { rows: (registers - 4) / 2, panel: 2 * floats, ahead: name === "avx2" ? 1024 : 0 };
}

/** Steps of the inner sum that one pass of the loop makes. */
const UNROLLED = 4;

/** Bytes of a cache line. */
export const LINE = 64;

/** Where a tile's rows of `a` lie, in bytes, seen from its first element. */
export interface RowAccess {
  /** From one row to the next. */
  readonly row: number;
  /** From one step of the inner sum to the next. */
  readonly step: number;
}

export interface TileShape {
  readonly rows: number;
  /** Vectors of the panel in use: 1 or 2. */
  readonly vectors: number;
  readonly steps: number;
}

/** What a tile calls into the caches while it is computed. */
export interface TileCalls {
  /** Where its part of c starts, and bytes from row to row. */
  readonly c: Gpr;
  readonly row: number;
  /** Lines of each row of the next tile's `a`, on from rdi, which ends at the next lines; 0 for none. */
  readonly nextLines: number;
}

/** The tile's sum for row i, vector j. */
export function sumAt(shape: TileShape, i: number, j: number): Vector {
  return vector(i * shape.vectors + j);
}

/** Registers that a tile leaves free for what follows: the two of b, the two of a. */
function freeVectors({ registers }: VectorIsa): readonly [Vector, Vector, Vector, Vector] {
  const first = registers - 4;
  return [vector(first), vector(first + 1), vector(first + 2), vector(first + 3)];
}

/**
 * sums += a b over `steps`. Register plan: sums from the first vector on, row by row; of the last four, two hold this
 * step's row of b and two one element of a each, repeated. rax and rcx walk a and b, rdx counts; rcx ends at the panel's
 * end. rsi and rdi walk over what is called.
 */
export function emitTileSum(asm: Assembler, shape: TileShape, a: RowAccess, calls: TileCalls): void {
  const passes = Math.floor(shape.steps / UNROLLED);
  const { panel, ahead } = tileSize(asm.isa);
  const panelStep = 4 * panel;
  const steps = (count: number) => {
    for (let step = 0; step < count; step++) {
      if (ahead > 0) asm.prefetch(mem(rcx, step * panelStep + ahead));
      emitStep(asm, shape, a, step, panelStep);
    }
    asm.addImm(rax, count * a.step);
    asm.addImm(rcx, count * panelStep);
  };
  const rowsAtOnce = Math.ceil(shape.rows / Math.max(1, passes));
  const calling = Math.min(passes, Math.ceil(shape.rows / rowsAtOnce));
  if (calling > 0) {
    asm.lea(rsi, mem(calls.c));
    asm.loop(rdx, calling, () => {
      emitCalls(asm, shape, a, rowsAtOnce, calls);
      steps(UNROLLED);
    });
  }
  if (calls.nextLines > 0) asm.addImm(rdi, LINE * calls.nextLines - calling * rowsAtOnce * a.row);
  if (passes > calling) asm.loop(rdx, passes - calling, () => steps(UNROLLED));
  if (shape.steps % UNROLLED > 0) steps(shape.steps % UNROLLED);
}

/**
 * Calls some rows of c, and of the next tile's a. A row with each of the first passes, since all of them at once would
 * hold up what the sums wait for.
 */
function emitCalls(
  asm: Assembler,
  { vectors }: TileShape,
  a: RowAccess,
  rows: number,
  { row, nextLines }: TileCalls,
): void {
  const width = vectorBytes(asm.isa) * vectors;
  for (let i = 0; i < rows; i++) {
    for (let at = 0; at < width; at += LINE) asm.prefetch(mem(rsi, i * row + at));
    for (let line = 0; line < nextLines; line++) asm.prefetch(mem(rdi, i * a.row + LINE * line), "second");
  }
  asm.addImm(rsi, rows * row);
  if (nextLines > 0) asm.addImm(rdi, rows * a.row);
}

function emitStep(asm: Assembler, shape: TileShape, a: RowAccess, step: number, panelStep: number): void {
  const [b0, b1, a0, a1] = freeVectors(asm.isa);
  const b = [b0, b1].slice(0, shape.vectors);
  b.forEach((row, j) => {
    asm.vload(row, mem(rcx, step * panelStep + vectorBytes(asm.isa) * j));
  });
  for (let i = 0; i < shape.rows; i++) {
    const element = i % 2 === 0 ? a0 : a1;
    asm.vbroadcast(element, mem(rax, i * a.row + step * a.step));
    b.forEach((row, j) => {
      asm.binary("vfmadd231ps", sumAt(shape, i, j), element, row);
    });
  }
}

/** Sets every sum to 0. */
export function emitZeroSums(asm: Assembler, shape: TileShape): void {
  each(shape, (i, j) => asm.vzero(sumAt(shape, i, j)));
}

/** sums += c. `last` masks the last vector. */
export function emitAddSums(asm: Assembler, shape: TileShape, c: Gpr, row: number, last?: Mask): void {
  each(shape, (i, j) => {
    const [sum, [earlier]] = [sumAt(shape, i, j), freeVectors(asm.isa)];
    const place = mem(c, i * row + vectorBytes(asm.isa) * j);
    if (j < shape.vectors - 1 || last === undefined) {
      asm.binary("vaddps", sum, sum, place);
      return;
    }
    asm.vload(earlier, place, { mask: last });
    asm.binary("vaddps", sum, sum, earlier);
  });
}

/** c = sums. */
export function emitStoreSums(asm: Assembler, shape: TileShape, c: Gpr, row: number, last?: Mask): void {
  const [through] = freeVectors(asm.isa);
  each(shape, (i, j) => {
    const mask = j === shape.vectors - 1 ? last : undefined;
    asm.vstore(mem(c, i * row + vectorBytes(asm.isa) * j), sumAt(shape, i, j), { mask, through });
  });
}

/** sums *= factor. */
export function emitScaleSums(asm: Assembler, shape: TileShape, factor: number): void {
  const [repeated] = freeVectors(asm.isa);
  asm.vset(repeated, factor, rdx);
  each(shape, (i, j) => asm.binary("vmulps", sumAt(shape, i, j), sumAt(shape, i, j), repeated));
}

/** Calls for every row and vector. */
export function each(shape: TileShape, visit: (i: number, j: number) => void): void {
  for (let i = 0; i < shape.rows; i++) for (let j = 0; j < shape.vectors; j++) visit(i, j);
}
