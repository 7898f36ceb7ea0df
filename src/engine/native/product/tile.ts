import type { Assembler } from "../asm/assembler.ts";
import { type Gpr, type Mask, mem, rax, rcx, rdx, type Zmm, zmm } from "../asm/registers.ts";

/** Rows of the largest tile: 14 rows of two vectors fill 28 registers, which leaves two for b and two for a. */
export const TILE_ROWS = 14;
export const VECTOR = 16;
export const VECTOR_BYTES = 64;
/** Columns of a tile, and of a packed panel of b. */
export const PANEL = 2 * VECTOR;
/** Steps of the inner sum that one pass of the loop makes. */
const UNROLLED = 4;

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

/** The tile's sum for row i, vector j. */
export function sumAt(shape: TileShape, i: number, j: number): Zmm {
  return zmm(i * shape.vectors + j);
}

/** Registers that a tile leaves free for what follows: the two of b, the two of a. */
export const free = [zmm(28), zmm(29), zmm(30), zmm(31)] as const;

/**
 * sums += a b over `steps`. Register plan: zmm0-27 sums, row by row; zmm28-29 this step's row of b; zmm30-31 one
 * element of a each, repeated. rax and rcx walk a and b, rdx counts; rcx ends at the panel's end.
 */
export function emitTileSum(asm: Assembler, shape: TileShape, a: RowAccess): void {
  const passes = Math.floor(shape.steps / UNROLLED);
  const panelStep = 4 * PANEL;
  const steps = (count: number) => {
    for (let step = 0; step < count; step++) emitStep(asm, shape, a, step, panelStep);
    asm.addImm(rax, count * a.step);
    asm.addImm(rcx, count * panelStep);
  };
  if (passes > 0) asm.loop(rdx, passes, () => steps(UNROLLED));
  if (shape.steps % UNROLLED > 0) steps(shape.steps % UNROLLED);
}

function emitStep(asm: Assembler, shape: TileShape, a: RowAccess, step: number, panelStep: number): void {
  const b = free.slice(0, shape.vectors);
  b.forEach((vector, j) => {
    asm.vload(vector, mem(rcx, step * panelStep + 64 * j));
  });
  for (let i = 0; i < shape.rows; i++) {
    const element = free[2 + (i % 2)] as Zmm;
    asm.vbroadcast(element, mem(rax, i * a.row + step * a.step));
    b.forEach((vector, j) => {
      asm.binary("vfmadd231ps", sumAt(shape, i, j), element, vector);
    });
  }
}

/** Sets every sum to 0. */
export function emitZeroSums(asm: Assembler, shape: TileShape): void {
  each(shape, (i, j) => asm.vzero(sumAt(shape, i, j)));
}

/** Calls the tile's part of c into the cache, long before it is needed. */
export function emitPrefetchTile(asm: Assembler, shape: TileShape, c: Gpr, row: number): void {
  each(shape, (i, j) => asm.prefetch(mem(c, i * row + 64 * j)));
}

/** sums += c. `last` masks the last vector. */
export function emitAddSums(asm: Assembler, shape: TileShape, c: Gpr, row: number, last?: Mask): void {
  each(shape, (i, j) => {
    const [sum, [earlier]] = [sumAt(shape, i, j), free];
    const place = mem(c, i * row + 64 * j);
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
  each(shape, (i, j) =>
    asm.vstore(mem(c, i * row + 64 * j), sumAt(shape, i, j), { mask: j === shape.vectors - 1 ? last : undefined }),
  );
}

/** sums *= factor. */
export function emitScaleSums(asm: Assembler, shape: TileShape, factor: number): void {
  const [repeated] = free;
  asm.vset(repeated, factor, rdx);
  each(shape, (i, j) => asm.binary("vmulps", sumAt(shape, i, j), sumAt(shape, i, j), repeated));
}

/** Calls for every row and vector. */
export function each(shape: TileShape, visit: (i: number, j: number) => void): void {
  for (let i = 0; i < shape.rows; i++) for (let j = 0; j < shape.vectors; j++) visit(i, j);
}
