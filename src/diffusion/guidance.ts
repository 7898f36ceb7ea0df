import { z } from "zod";

export const guidanceSchema = z.strictObject({
  scale: z
    .number()
    .nonnegative()
    .default(5)
    .describe("How far to go beyond the unconditional velocity; 1 is none. 5 was best of 1, 2, 3, 5 in small trials."),
  rescale: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("Share of the result brought back to the conditional's deviation; tames strong guidance."),
});
export type GuidanceConfig = z.output<typeof guidanceSchema>;

/**
 * Classifier-free guidance of one clip: u + scale (c - u), then a share brought to the deviation of c.
 * Call it for each clip of a pack apart: the deviation is of one clip's values.
 * Source: arXiv:2207.12598, eq. 6; arXiv:2305.08891, eqs. 15 and 16.
 */
export function guide(conditional: Float32Array, unconditional: Float32Array, cfg: GuidanceConfig): Float32Array {
  const guided = conditional.map((c, i) => {
    const u = unconditional[i] as number;
    return u + cfg.scale * (c - u);
  });
  if (cfg.rescale === 0) return guided;
  const back = deviation(conditional) / Math.max(deviation(guided), 1e-12);
  return guided.map((value) => value * (cfg.rescale * back + 1 - cfg.rescale));
}

function deviation(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / values.length);
}
