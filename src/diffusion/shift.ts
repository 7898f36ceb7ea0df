import { z } from "zod";
import { kindUnion } from "../config/kind.ts";

const positive = z.number().positive();

export const shiftSchema = kindUnion(
  [
    z.strictObject({ kind: z.literal("none").describe("Times as drawn.") }),
    z.strictObject({
      kind: z.literal("fixed").describe("One shift for clips of every size."),
      value: positive.default(3).describe("Above 1 moves times towards noise. 3 as in Stable Diffusion 3."),
    }),
    z.strictObject({
      kind: z.literal("size").describe("Larger clips get more noise: their neighbours tell more of each cell."),
      tokens: z.tuple([positive, positive]).default([256, 4096]).describe("Two sizes of a clip, in tokens."),
      mu: z
        .tuple([z.number(), z.number()])
        .default([0.5, 1.15])
        .describe("Logarithm of the shift at these sizes, linear between and beyond. As in Flux."),
    }),
  ],
  "size",
).describe("How times move towards noise.");
export type ShiftConfig = z.output<typeof shiftSchema>;

/** The shift `a` of a clip with this many tokens. Source: arXiv:2403.03206, section 5.3.2; sizes as in Flux. */
export function shiftOf(cfg: ShiftConfig, numTokens: number): number {
  if (cfg.kind === "none") return 1;
  if (cfg.kind === "fixed") return cfg.value;
  const share = (numTokens - cfg.tokens[0]) / (cfg.tokens[1] - cfg.tokens[0]);
  return Math.exp(cfg.mu[0] + share * (cfg.mu[1] - cfg.mu[0]));
}

/** a t / (1 + (a - 1) t): 0 and 1 stay. Source: arXiv:2403.03206, eq. 23. */
export function shiftTime(t: number, a: number): number {
  return (a * t) / (1 + (a - 1) * t);
}
