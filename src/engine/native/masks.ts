import { assert } from "../../base/errors.ts";
import type { Assembler } from "./asm/assembler.ts";
import { Label } from "./asm/bytes.ts";
import { type Mask, mask, rax } from "./asm/registers.ts";

/** The mask registers of one function: each holds the low `count` bits. */
export class Masks {
  private readonly byCount = new Map<number, Mask>();

  /** The register for the first `count` of 16 floats. */
  first(count: number): Mask {
    const known = this.byCount.get(count);
    if (known !== undefined) return known;
    assert(this.byCount.size < 7, "seven masks at most");
    const fresh = mask(this.byCount.size + 1);
    this.byCount.set(count, fresh);
    return fresh;
  }

  /** Fills the registers that were asked for. Changes rax. */
  emit(asm: Assembler): void {
    for (const [count, register] of this.byCount) {
      asm.set(rax, 2 ** count - 1);
      asm.setMask(register, rax);
    }
  }
}

/** Writes code that uses masks, with what fills them before it. Which masks it needs is known after it. */
export function withMasks(asm: Assembler, emit: (masks: Masks) => void): void {
  const [body, setUp, end] = [new Label(), new Label(), new Label()];
  const masks = new Masks();
  asm.jump(setUp);
  asm.bind(body);
  emit(masks);
  asm.jump(end);
  asm.bind(setUp);
  masks.emit(asm);
  asm.jump(body);
  asm.bind(end);
}
