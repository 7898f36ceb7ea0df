import type { Assembler } from "../asm/assembler.ts";
import { type Gpr, type Mask, mem, r15, rdx, type Vector, vector } from "../asm/registers.ts";
import { vectorBytes } from "../asm/vectorIsa.ts";
import { LINE, tileSize } from "./tile.ts";

/** Masks that are set up before packing: the low `count` floats. */
export type MaskFor = (count: number) => Mask;

/** Panels side by side in the source, one after the other in the copy. */
export interface CopyShape {
  /** Rows of every panel. */
  readonly steps: number;
  /** Columns of each panel, at most two vectors; the source's rows hold them one after the other. */
  readonly widths: readonly number[];
  /** Bytes from row to row: of the source, and of a panel, which has whole vectors. */
  readonly stride: number;
  readonly pitch: number;
  /** Bytes from panel to panel. */
  readonly panelBytes: number;
}

/** How many rows ahead of its use the source is called: they lie in pages of their own, where nothing foresees them. */
const ROWS_AHEAD = 8;

/** Vectors that one pass of the copying loop moves, about. */
const VECTORS_PER_PASS = 24;

/**
 * Copies panels. Columns beyond the last panel's width are 0. from and to walk; rdx counts; uses all vectors in turn.
 * Rows of a panel start where vectors do: rows that lie closer save cache, but writing across lines costs more (2 to
 * 4 %).
 */
export function emitCopyPanels(
  asm: Assembler,
  { steps, widths, stride, pitch, panelBytes }: CopyShape,
  from: Gpr,
  to: Gpr,
  maskFor: MaskFor,
): void {
  const { floats, registers } = asm.isa;
  const bytes = vectorBytes(asm.isa);
  const perRow = pitch / bytes;
  const rowBytes = 4 * widths.reduce((sum, width) => sum + width, 0);
  let numMoved = 0;
  const row = (at: number) => {
    let column = 0;
    for (let byte = 0; byte < rowBytes; byte += LINE)
      asm.prefetch(mem(from, (at + ROWS_AHEAD) * stride + byte), "second");
    widths.forEach((width, panel) => {
      for (let j = 0; j < perRow; j++) {
        const count = Math.min(floats, width - j * floats);
        const part = vector(numMoved++ % registers);
        const source = column + bytes * j;
        // Where masks cost time, a vector that ends within the row is read whole.
        const masks = count < floats && (asm.isa.masksAll || source + bytes > rowBytes);
        if (count <= 0) asm.vzero(part);
        else asm.vload(part, mem(from, at * stride + source), { mask: masks ? maskFor(count) : undefined });
        asm.vstore(mem(to, panel * panelBytes + at * pitch + bytes * j), part);
      }
      column += 4 * width;
    });
  };
  const unrolled = Math.max(1, Math.floor(VECTORS_PER_PASS / (perRow * widths.length)));
  const advance = (count: number) => {
    for (let at = 0; at < count; at++) row(at);
    asm.addImm(from, count * stride);
    asm.addImm(to, count * pitch);
  };
  const passes = Math.floor(steps / unrolled);
  if (passes > 0) asm.loop(rdx, passes, () => advance(unrolled));
  if (steps % unrolled > 0) advance(steps % unrolled);
}

/**
 * Transposes `width` rows of `steps` floats, `stride` bytes apart, into a panel of `steps` rows of two vectors.
 * from walks along the rows, to along the panel; rdx counts, r15 holds the second half's place.
 */
export function emitTransposePanel(
  asm: Assembler,
  { steps, width, stride }: { steps: number; width: number; stride: number },
  from: Gpr,
  to: Gpr,
  maskFor: MaskFor,
): void {
  const { floats } = asm.isa;
  const panelStep = 4 * tileSize(asm.isa).panel;
  const block = (count: number) => {
    const half = (numRows: number, source: Gpr, at: number) => {
      const mask = count < floats ? maskFor(count) : undefined;
      for (let i = 0; i < floats; i++) {
        if (i < numRows) asm.vload(vector(i), mem(source, i * stride), { mask });
        else asm.vzero(vector(i));
      }
      emitTranspose(asm).forEach((column, step) => {
        if (step < count) asm.vstore(mem(to, step * panelStep + at), column);
      });
    };
    half(Math.min(width, floats), from, 0);
    if (width > floats) asm.lea(r15, mem(from, floats * stride));
    half(Math.max(0, width - floats), r15, vectorBytes(asm.isa));
    asm.addImm(from, count * 4);
    asm.addImm(to, count * panelStep);
  };
  const passes = Math.floor(steps / floats);
  if (passes > 0) asm.loop(rdx, passes, () => block(floats));
  if (steps % floats > 0) block(steps % floats);
}

/** Transposes the square that lies in the first half of the registers, through the other half. The columns, in order. */
function emitTranspose(asm: Assembler): Vector[] {
  const { floats } = asm.isa;
  const v = vector;
  const t = (i: number) => vector(floats + i);
  for (let i = 0; i < floats; i += 2) {
    asm.binary("vunpcklps", t(i), v(i), v(i + 1));
    asm.binary("vunpckhps", t(i + 1), v(i), v(i + 1));
  }
  // v(4 g + c): in each lane l, column 4 l + c of rows 4 g to 4 g + 3.
  for (let g = 0; g < floats; g += 4) {
    asm.binary("vunpcklpd", v(g), t(g), t(g + 2));
    asm.binary("vunpckhpd", v(g + 1), t(g), t(g + 2));
    asm.binary("vunpcklpd", v(g + 2), t(g + 1), t(g + 3));
    asm.binary("vunpckhpd", v(g + 3), t(g + 1), t(g + 3));
  }
  return floats === 16 ? emitGatherFour(asm) : emitGatherTwo(asm);
}

/** Gathers each column's lanes, of four groups of rows. */
function emitGatherFour(asm: Assembler): Vector[] {
  const v = vector;
  const t = (i: number) => vector(16 + i);
  for (let c = 0; c < 4; c++) {
    asm.shuffleLanes(t(c), v(c), v(4 + c), 0x88);
    asm.shuffleLanes(t(4 + c), v(c), v(4 + c), 0xdd);
    asm.shuffleLanes(t(8 + c), v(8 + c), v(12 + c), 0x88);
    asm.shuffleLanes(t(12 + c), v(8 + c), v(12 + c), 0xdd);
  }
  for (let c = 0; c < 4; c++) {
    asm.shuffleLanes(v(c), t(c), t(8 + c), 0x88);
    asm.shuffleLanes(v(8 + c), t(c), t(8 + c), 0xdd);
    asm.shuffleLanes(v(4 + c), t(4 + c), t(12 + c), 0x88);
    asm.shuffleLanes(v(12 + c), t(4 + c), t(12 + c), 0xdd);
  }
  return Array.from({ length: 16 }, (_, column) => v(column));
}

/** The same of two groups. */
function emitGatherTwo(asm: Assembler): Vector[] {
  const columns = Array.from({ length: 8 }, (_, column) => vector(8 + column));
  columns.forEach((to, column) => {
    const lane = column < 4 ? 0x20 : 0x31;
    asm.pickLanes(to, vector(column % 4), vector(4 + (column % 4)), lane);
  });
  return columns;
}
