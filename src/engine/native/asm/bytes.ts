import { assert } from "../../../base/errors.ts";
import type { Label } from "./label.ts";
import type { Mem } from "./registers.ts";

/** Machine code as it grows: little-endian bytes, labels, and the operand bytes that all encodings share. */
export class CodeBytes {
  private buffer = new Uint8Array(4096);
  private size = 0;
  private numWaiting = 0;

  get length(): number {
    return this.size;
  }

  /** The code so far. @throws when a jump leads nowhere. */
  finish(): Uint8Array {
    assert(this.numWaiting === 0, "every label that is jumped to is bound");
    return this.buffer.slice(0, this.size);
  }

  byte(...values: readonly number[]): void {
    if (this.size + values.length > this.buffer.length) {
      const larger = new Uint8Array(2 * this.buffer.length);
      larger.set(this.buffer);
      this.buffer = larger;
    }
    for (const value of values) this.buffer[this.size++] = value;
  }

  int32(value: number): void {
    assert(Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 32, `${value} does not fit 32 bits`);
    this.byte(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff);
  }

  int64(value: bigint): void {
    this.int32(Number(BigInt.asIntN(32, value)));
    this.int32(Number(BigInt.asIntN(32, value >> 32n)));
  }

  bind(label: Label): void {
    assert(label.position === undefined, "a label is bound once");
    label.position = this.size;
    for (const { at, plus } of label.waiting) this.patch(at, label.position + plus);
    this.numWaiting -= label.waiting.length;
    label.waiting.length = 0;
  }

  /** Four bytes: the distance from their end to `plus` bytes behind a label, filled in when the label is bound. */
  distance(label: Label, plus = 0): void {
    const at = this.size;
    this.int32(0);
    if (label.position !== undefined) {
      this.patch(at, label.position + plus);
      return;
    }
    label.waiting.push({ at, plus });
    this.numWaiting++;
  }

  private patch(at: number, target: number): void {
    new DataView(this.buffer.buffer).setInt32(at, target - at - 4, true);
  }

  /** ModRM for two registers; `reg` and `rm` are their low three bits. */
  registers(reg: number, rm: number): void {
    this.byte(0xc0 | ((reg & 7) << 3) | (rm & 7));
  }

  /**
   * ModRM, SIB and displacement of a memory operand. A displacement that is a small multiple of `unit` takes a byte. An
   * operand behind a label ends its instruction: no immediate may follow.
   */
  memory(reg: number, { base, index, displacement }: Mem, unit: number): void {
    if (base.kind === "label") {
      this.byte(((reg & 7) << 3) | 5);
      this.distance(base, displacement);
      return;
    }
    const short = displacement / unit;
    const fits = Number.isInteger(short) && short >= -128 && short <= 127;
    const none = displacement === 0 && (base.code & 7) !== 5;
    const mode = none ? 0 : fits ? 1 : 2;
    const needsSib = index !== undefined || (base.code & 7) === 4;
    this.byte((mode << 6) | ((reg & 7) << 3) | (needsSib ? 4 : base.code & 7));
    if (needsSib) {
      assert(index?.register.code !== 4, "rsp cannot be an index");
      const scale = index === undefined ? 0 : Math.log2(index.scale);
      this.byte((scale << 6) | (((index?.register.code ?? 4) & 7) << 3) | (base.code & 7));
    }
    if (mode === 1) this.byte(short & 0xff);
    if (mode === 2) this.int32(displacement);
  }
}
