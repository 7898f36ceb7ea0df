import { assert } from "../../base/errors.ts";
import type { Assembler } from "./asm/assembler.ts";
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
