import { z } from "zod";
import { type EffectRule, withEffects } from "../config/effect.ts";
import { kindUnion } from "../config/kind.ts";

/** Keys of every kind. */
const common = {
  scale: z
    .number()
    .nonnegative()
    .default(5)
    .describe("How far to go beyond the unconditional velocity; 1 is none. 5 was best of 1, 2, 3, 5 in small trials."),
  interval: z
    .tuple([z.number().min(0).max(1), z.number().min(0).max(1)])
    .refine(([first, last]) => first < last, "expected a smaller time, then a larger one")
    .default([0, 1])
    .describe(
      "Times at which clips are guided, 1 = noise. All of them unless said. Leaving out the noisiest keeps variety (arXiv:2404.07724), and outside the model is asked half as much.",
    ),
  negative: z
    .string()
    .default("")
    .describe(
      "What clips should not show: guidance leads away from it. Empty: away from no prompt, as models are trained.",
    ),
};

/** Without guidance nothing else matters. */
const needsScale = (...keys: string[]): EffectRule<{ scale: number }>[] =>
  keys.map((key) => ({ key, needs: ({ scale }) => scale !== 1, why: "scale 1 is no guidance" }));

export const guidanceSchema = kindUnion(
  [
    withEffects(
      z.strictObject({
        kind: z
          .literal("cfg")
          .describe("Classifier-free guidance: along the way from the unconditional velocity to the conditional one."),
        ...common,
        rescale: z
          .number()
          .min(0)
          .max(1)
          .default(0)
          .describe("Share of the result brought back to the conditional's deviation; tames strong guidance."),
      }),
      needsScale("interval", "negative", "rescale"),
    ),
    withEffects(
      z.strictObject({
        kind: z
          .literal("apg")
          .describe("Adaptive projected guidance: strong guidance without glaring colours. On clean predictions."),
        ...common,
        parallel: z
          .number()
          .min(0)
          .default(0)
          .describe(
            "Share kept of what lies along the conditional prediction, which makes colours glare. 0 as published; 1 is all of it.",
          ),
        momentum: z
          .number()
          .gt(-1)
          .lt(1)
          .default(-0.5)
          .describe(
            "Share of earlier differences added to the present one. Below 0, as published: what keeps coming is damped.",
          ),
        limit: z
          .number()
          .positive()
          .default(0.12)
          .describe(
            "Largest root mean square of the difference that guidance takes, over a clip's values. 0.12 is the published 15 over 16,384 values.",
          ),
      }),
      needsScale("interval", "negative", "parallel", "momentum", "limit"),
    ),
  ],
  "cfg",
);
export type GuidanceConfig = z.output<typeof guidanceSchema>;

/** The scale at a time in [0, 1]; 1, which is none, outside the interval. */
export function scaleAt({ scale, interval: [first, last] }: GuidanceConfig, time: number): number {
  return first <= time && time <= last ? scale : 1;
}
