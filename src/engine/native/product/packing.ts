import type { Assembler } from "../asm/assembler.ts";
import { type Gpr, type Mask, mem, r15, rdx, type Zmm, zmm } from "../asm/registers.ts";
import { PANEL, VECTOR, VECTOR_BYTES } from "./tile.ts";

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

/** Vectors that one pass of the copying loop moves, about. */
const VECTORS_PER_PASS = 24;

/**
 * Copies panels. Columns beyond a panel's width are 0. from and to walk; rdx counts; uses zmm0-31 in turn. Rows of
 * a panel start where vectors do: rows that lie closer save cache, but writing across lines costs more (2 to 4 %).
 */
export function emitCopyPanels(
  asm: Assembler,
  { steps, widths, stride, pitch, panelBytes }: CopyShape,
  from: Gpr,
  to: Gpr,
  maskFor: MaskFor,
): void {
  const perRow = pitch / VECTOR_BYTES;
  let numMoved = 0;
  const row = (at: number) => {
    let source = at * stride;
    widths.forEach((width, panel) => {
      for (let j = 0; j < perRow; j++) {
        const count = Math.min(VECTOR, width - j * VECTOR);
        const part = zmm(numMoved++ % 32);
        if (count <= 0) asm.vzero(part);
        else asm.vload(part, mem(from, source + 64 * j), { mask: count < VECTOR ? maskFor(count) : undefined });
        asm.vstore(mem(to, panel * panelBytes + at * pitch + 64 * j), part);
      }
      source += 4 * width;
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
 * Transposes `width` rows of `steps` floats, `stride` bytes apart, into a panel of `steps` rows of 32 floats.
 * from walks along the rows, to along the panel; rdx counts, r15 holds the second half's place.
 */
export function emitTransposePanel(
  asm: Assembler,
  { steps, width, stride }: { steps: number; width: number; stride: number },
  from: Gpr,
  to: Gpr,
  maskFor: MaskFor,
): void {
  const block = (count: number) => {
    const half = (numRows: number, source: Gpr, at: number) => {
      const mask = count < VECTOR ? maskFor(count) : undefined;
      for (let i = 0; i < VECTOR; i++) {
        if (i < numRows) asm.vload(zmm(i), mem(source, i * stride), { mask });
        else asm.vzero(zmm(i));
      }
      emitTranspose(asm).forEach((column, step) => {
        if (step < count) asm.vstore(mem(to, step * 4 * PANEL + at), column);
      });
    };
    half(Math.min(width, VECTOR), from, 0);
    if (width > VECTOR) asm.lea(r15, mem(from, VECTOR * stride));
    half(Math.max(0, width - VECTOR), r15, 64);
    asm.addImm(from, count * 4);
    asm.addImm(to, count * 4 * PANEL);
  };
  const passes = Math.floor(steps / VECTOR);
  if (passes > 0) asm.loop(rdx, passes, () => block(VECTOR));
  if (steps % VECTOR > 0) block(steps % VECTOR);
}

/** Transposes the 16 x 16 floats of zmm0-15, through zmm16-31. The columns, in order. */
function emitTranspose(asm: Assembler): Zmm[] {
  const t = (i: number) => zmm(16 + i);
  for (let i = 0; i < 16; i += 2) {
    asm.binary("vunpcklps", t(i), zmm(i), zmm(i + 1));
    asm.binary("vunpckhps", t(i + 1), zmm(i), zmm(i + 1));
  }
  // zmm(4 g + c): in each lane l, column 4 l + c of rows 4 g to 4 g + 3.
  for (let g = 0; g < 16; g += 4) {
    asm.binary("vunpcklpd", zmm(g), t(g), t(g + 2));
    asm.binary("vunpckhpd", zmm(g + 1), t(g), t(g + 2));
    asm.binary("vunpcklpd", zmm(g + 2), t(g + 1), t(g + 3));
    asm.binary("vunpckhpd", zmm(g + 3), t(g + 1), t(g + 3));
  }
  for (let c = 0; c < 4; c++) {
    asm.shuffleLanes(t(c), zmm(c), zmm(4 + c), 0x88);
    asm.shuffleLanes(t(4 + c), zmm(c), zmm(4 + c), 0xdd);
    asm.shuffleLanes(t(8 + c), zmm(8 + c), zmm(12 + c), 0x88);
    asm.shuffleLanes(t(12 + c), zmm(8 + c), zmm(12 + c), 0xdd);
  }
  for (let c = 0; c < 4; c++) {
    asm.shuffleLanes(zmm(c), t(c), t(8 + c), 0x88);
    asm.shuffleLanes(zmm(8 + c), t(c), t(8 + c), 0xdd);
    asm.shuffleLanes(zmm(4 + c), t(4 + c), t(12 + c), 0x88);
    asm.shuffleLanes(zmm(12 + c), t(4 + c), t(12 + c), 0xdd);
  }
  return Array.from({ length: 16 }, (_, column) => zmm(column));
}
