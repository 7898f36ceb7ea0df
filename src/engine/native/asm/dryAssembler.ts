import { Assembler } from "./assembler.ts";

/** Writes no instructions on vectors: for trials of what registers, constants and stack some code needs. */
export class DryAssembler extends Assembler {
  protected override vector(): void {}

  protected override narrow(): void {}
}
