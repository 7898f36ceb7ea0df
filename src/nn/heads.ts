import { UserError } from "../base/errors.ts";

/** Width of each head. @throws UserError, naming the layer, when the heads do not share the width evenly. */
export function headDim(width: number, numHeads: number, where: string): number {
  if (width % numHeads === 0) return width / numHeads;
  const near = Array.from({ length: width }, (_, i) => i + 1)
    .filter((n) => width % n === 0)
    .sort((a, b) => Math.abs(a - numHeads) - Math.abs(b - numHeads))[0];
  throw new UserError(where, `width ${width} is not divisible by heads ${numHeads}; try heads ${near}`);
}
