import type { Assembler } from "../asm/assembler.ts";
import {
  type Mask,
  mem,
  r8,
  r9,
  r10,
  r11,
  r12,
  r13,
  r14,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rsi,
  rsp,
} from "../asm/registers.ts";
import { type VectorIsa, vectorBytes } from "../asm/vectorIsa.ts";
import { emitCopyPanels, emitTransposePanel, type MaskFor } from "./packing.ts";
import {
  emitAddSums,
  emitScaleSums,
  emitStoreSums,
  emitTileSum,
  emitZeroSums,
  LINE,
  type RowAccess,
  type TileCalls,
  type TileShape,
  type TileSize,
  tileSize,
} from "./tile.ts";

/** A matrix in memory. */
export interface Operand {
  /** Bytes from one stored row to the next. */
  readonly stride: number;
  /** Whether the stored matrix is the transpose of the one multiplied. */
  readonly transposed: boolean;
}

/** One product of matrices in row order: c [m, n] = alpha a [m, k] b [k, n]. */
export interface BlockShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: Operand;
  readonly b: Operand;
  /** Bytes from one row of c to the next. */
  readonly cStride: number;
  /** Factor of the result. */
  readonly alpha: number;
}

/** Sizes of the parts that fit the caches. */
export interface Blocking {
  /** Steps of the inner sum done at once. */
  readonly steps: number;
  /** Bytes of packed b, which stays in the second-level cache while all rows pass. */
  readonly bBytes: number;
  /** Tiles of a transposed `a` that are packed together. */
  readonly aTiles: number;
  /** Bytes between them: without any, their rows share few sets of the first-level cache. */
  readonly aGap: number;
  /** Whether columns of packed b are looped over, as far as they are equal, rather than written out. */
  readonly loops: boolean;
}

/** Found by trial. A transposed a is packed again for each part of b, so that it wants wider parts. */
export function blockingFor({ a }: BlockShape, isa: VectorIsa): Blocking {
  // Processors with AVX-512 have 1 or 2 MB of second-level cache, those without it 256 or 512 KB.
  if (isa.name === "avx2")
    return {
      steps: a.transposed ? 256 : 512,
      bBytes: (a.transposed ? 384 : 256) * 1024,
      aTiles: 16,
      aGap: 64,
      loops: true,
    };
  return { steps: a.transposed ? 256 : 1024, bBytes: 800 * 1024, aTiles: 16, aGap: 0, loops: false };
}

export interface Span {
  readonly start: number;
  readonly size: number;
}

/** Bytes of stack that a block's packed parts need. */
export function scratchBytes(shape: BlockShape, isa: VectorIsa, blocking = blockingFor(shape, isa)): number {
  const { aAt, bytes } = scratch(shape, isa, blocking);
  return aAt + bytes;
}

/** Parts of the inner sum differ by a step where they do not come out even: there is room for the largest. */
function scratch({ m, n, k, a }: BlockShape, isa: VectorIsa, blocking: Blocking): { aAt: number; bytes: number } {
  const tile = tileSize(isa);
  const allColumns = Math.ceil(n / tile.panel) * tile.panel;
  const sizes = spans(k, blocking.steps).map(({ size }) => size);
  const aAt = Math.max(...sizes.map((steps) => 4 * steps * Math.min(allColumns, columnsAtOnce(steps, tile, blocking))));
  const tiles = Math.min(Math.ceil(m / tile.rows), blocking.aTiles);
  return { aAt, bytes: a.transposed ? tiles * aPanelBytes(Math.max(...sizes), isa, blocking) : 0 };
}

/**
 * Multiplies one block. r8, r9, r10 hold a, b and c and stay; packed parts lie at rsp.
 * Register plan: rbp the row tile of a, r14 its place in c, rdi the next tile of a; r11 counts columns of packed b, r12
 * row tiles, rbx panels, r13 packs.
 */
export function emitBlock(
  asm: Assembler,
  shape: BlockShape,
  maskFor: MaskFor,
  blocking = blockingFor(shape, asm.isa),
): void {
  const tile = tileSize(asm.isa);
  const { aAt } = scratch(shape, asm.isa, blocking);
  for (const steps of spans(shape.k, blocking.steps)) {
    const columns = spans(shape.n, columnsAtOnce(steps.size, tile, blocking), tile.panel);
    const runs = blocking.loops ? equalRuns(columns) : columns.map((span) => ({ span, count: 1 }));
    for (const { span, count } of runs) {
      const bBytes = span.size * (shape.b.transposed ? shape.b.stride : 4);
      asm.loop(r11, count, () => {
        emitColumns(asm, shape, { steps, span, aAt }, maskFor, blocking);
        if (count === 1) return;
        asm.addImm(r9, bBytes);
        asm.addImm(r10, 4 * span.size);
      });
      if (count === 1) continue;
      asm.subImm(r9, count * bBytes);
      asm.subImm(r10, count * 4 * span.size);
    }
  }
}

/** Some steps of the inner sum, for some columns and all rows; a transposed a is packed at rsp + aAt. */
function emitColumns(
  asm: Assembler,
  shape: BlockShape,
  { steps, span, aAt }: { steps: Span; span: Span; aAt: number },
  maskFor: MaskFor,
  blocking: Blocking,
): void {
  const [tile, pitch] = [tileSize(asm.isa), vectorBytes(asm.isa)];
  emitPackB(asm, shape, steps, span, maskFor);
  if (!shape.a.transposed) {
    const a = { row: shape.a.stride, step: 4 };
    asm.lea(rbp, mem(r8, 4 * steps.start));
    const nextTile = (tileRows: number) => tileRows * shape.a.stride;
    emitRows(asm, shape, { start: 0, size: shape.m }, { ...a, nextTile }, steps, span, maskFor);
    return;
  }
  for (const rows of spans(shape.m, blocking.aTiles * tile.rows)) {
    const tiles = rowTiles(rows.size, tile.rows);
    let from = steps.start * shape.a.stride + 4 * rows.start;
    let to = aAt;
    const panelBytes = aPanelBytes(steps.size, asm.isa, blocking);
    for (const { rows: width, count } of tiles) {
      asm.lea(rsi, mem(r8, from));
      asm.lea(rdi, mem(rsp, to));
      const widths = Array.from({ length: count }, () => width);
      const panels = { steps: steps.size, widths, stride: shape.a.stride, pitch, panelBytes };
      emitCopyPanels(asm, panels, rsi, rdi, maskFor);
      from += 4 * width * count;
      to += panelBytes * count;
    }
    asm.lea(rbp, mem(rsp, aAt));
    emitRows(asm, shape, rows, { row: 4, step: pitch, nextTile: () => panelBytes }, steps, span, maskFor);
  }
}

function emitPackB(asm: Assembler, { b }: BlockShape, steps: Span, columns: Span, maskFor: MaskFor): void {
  const { panel: most } = tileSize(asm.isa);
  asm.lea(rdi, mem(rsp));
  const full = Math.floor(columns.size / most);
  const rest = columns.size % most;
  if (!b.transposed) {
    asm.lea(rsi, mem(r9, steps.start * b.stride + 4 * columns.start));
    const widths = [...Array.from({ length: full }, () => most), ...(rest > 0 ? [rest] : [])];
    const panel = { pitch: 4 * most, panelBytes: 4 * most * steps.size };
    emitCopyPanels(asm, { steps: steps.size, widths, stride: b.stride, ...panel }, rsi, rdi, maskFor);
    return;
  }
  asm.lea(rsi, mem(r9, columns.start * b.stride + 4 * steps.start));
  const panel = (width: number) =>
    emitTransposePanel(asm, { steps: steps.size, width, stride: b.stride }, rsi, rdi, maskFor);
  if (full > 0) {
    asm.loop(r13, full, () => {
      panel(most);
      asm.addImm(rsi, most * b.stride - 4 * steps.size);
    });
  }
  if (rest > 0) panel(rest);
}

/** Where the tiles of `a` lie. */
interface TileAccess extends RowAccess {
  /** Bytes from a tile of so many rows to the next. */
  nextTile(tileRows: number): number;
}

/** All row tiles of `rows` against the packed columns. */
function emitRows(
  asm: Assembler,
  shape: BlockShape,
  rows: Span,
  a: TileAccess,
  steps: Span,
  columns: Span,
  maskFor: MaskFor,
): void {
  asm.lea(r14, mem(r10, rows.start * shape.cStride + 4 * columns.start));
  const { rows: mostRows, panel: most } = tileSize(asm.isa);
  const { floats } = asm.isa;
  const full = Math.floor(columns.size / most);
  const rest = columns.size % most;
  // While one tile is computed, the rows of the next come closer, some of each with every panel.
  const nextLines = shape.a.transposed || full === 0 ? 0 : Math.ceil((4 * steps.size) / (LINE * full));
  for (const { rows: tileRows, count } of rowTiles(rows.size, mostRows)) {
    const panel = (width: number, calledLines: number) => {
      const tile = { rows: tileRows, vectors: Math.ceil(width / floats), steps: steps.size };
      const last = width % floats === 0 ? undefined : maskFor(width % floats);
      const isLast = steps.start + steps.size === shape.k;
      const factor = isLast ? shape.alpha : 1;
      const calls = { c: r14, row: shape.cStride, nextLines: calledLines };
      emitTile(asm, { tile, a, calls, adds: steps.start > 0, factor, last });
      asm.addImm(r14, 4 * width);
    };
    asm.loop(r12, count, () => {
      asm.copy(rcx, rsp);
      if (nextLines > 0) asm.lea(rdi, mem(rbp, a.nextTile(tileRows)));
      if (full > 0) asm.loop(rbx, full, () => panel(most, nextLines));
      if (rest > 0) panel(rest, 0);
      asm.addImm(rbp, a.nextTile(tileRows));
      asm.addImm(r14, tileRows * shape.cStride - 4 * columns.size);
    });
  }
}

interface TileWork {
  readonly tile: TileShape;
  readonly a: RowAccess;
  /** With the tile's place in c. */
  readonly calls: TileCalls;
  /** Whether c holds the sum of earlier steps. */
  readonly adds: boolean;
  readonly factor: number;
  /** Masks the last vector of a row. */
  readonly last: Mask | undefined;
}

function emitTile(asm: Assembler, { tile, a, calls, adds, factor, last }: TileWork): void {
  const { c, row } = calls;
  asm.copy(rax, rbp);
  emitZeroSums(asm, tile);
  emitTileSum(asm, tile, a, calls);
  if (adds) emitAddSums(asm, tile, c, row, last);
  if (factor !== 1) emitScaleSums(asm, tile, factor);
  emitStoreSums(asm, tile, c, row, last);
}

function aPanelBytes(steps: number, isa: VectorIsa, { aGap }: Blocking): number {
  return vectorBytes(isa) * steps + aGap;
}

function columnsAtOnce(steps: number, { panel }: TileSize, { bBytes }: Blocking): number {
  return Math.max(1, Math.floor(bBytes / (4 * panel * steps))) * panel;
}

/** `size` cut into `parts`, as equal as whole multiples of `unit` allow. Empty parts are left out. */
export function split(size: number, parts: number, unit = 1): Span[] {
  const units = Math.ceil(size / unit);
  const list: Span[] = [];
  for (let part = 0; part < parts; part++) {
    const start = Math.floor((units * part) / parts) * unit;
    const end = Math.min(size, Math.floor((units * (part + 1)) / parts) * unit);
    if (end > start) list.push({ start, size: end - start });
  }
  return list;
}

/** Equal parts of at most `most`, which is a multiple of `unit`. */
function spans(size: number, most: number, unit = 1): Span[] {
  return split(size, Math.ceil(size / most), unit);
}

/** Parts of a side as runs of equal ones, of which the first is given; the side's end stays in the last part. */
function equalRuns(parts: readonly Span[]): { span: Span; count: number }[] {
  const sizes = parts.map(({ size }) => size);
  const ordered = [...sizes.slice(0, -1).sort((a, b) => b - a), ...sizes.slice(-1)];
  const runs: { span: Span; count: number }[] = [];
  let start = 0;
  for (const size of ordered) {
    const last = runs.at(-1);
    if (last?.span.size === size) last.count++;
    else runs.push({ span: { start, size }, count: 1 });
    start += size;
  }
  return runs;
}

/** Rows cut into tiles of at most `most`, whose heights differ by at most one. */
export function rowTiles(rows: number, most: number): { rows: number; count: number }[] {
  const tiles = Math.ceil(rows / most);
  const low = Math.floor(rows / tiles);
  const high = rows % tiles;
  const groups = [
    { rows: low + 1, count: high },
    { rows: low, count: tiles - high },
  ];
  return groups.filter(({ rows: height, count }) => height > 0 && count > 0);
}
