import { z } from "zod";
import type { KeyedRandom } from "../base/random.ts";
import { shiftOf, shiftSchema, shiftTime } from "./shift.ts";

export const timeSamplingSchema = z.strictObject({
  mean: z.number().default(0).describe("Mean of the logit of a training time; 0 centres on half noise."),
  std: z.number().positive().default(1).describe("Its standard deviation; larger sees more of both ends."),
  shift: shiftSchema,
});
export type TimeSamplingConfig = z.output<typeof timeSamplingSchema>;

/** A training time in (0, 1) of a clip with this many tokens: sigmoid of a normal, shifted. Source: arXiv:2403.03206. */
export function drawTime(cfg: TimeSamplingConfig, numTokens: number, random: KeyedRandom): number {
  const t = 1 / (1 + Math.exp(-(cfg.mean + cfg.std * random.normal())));
  return shiftTime(t, shiftOf(cfg.shift, numTokens));
}
