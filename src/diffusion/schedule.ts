import { z } from "zod";
import { kindUnion } from "../config/kind.ts";
import { shiftTime } from "./shift.ts";

export const scheduleSchema = kindUnion(
  [
    z.strictObject({
      kind: z
        .literal("linear")
        .describe("Evenly spaced times, moved towards noise by `shift`. shift none: even steps."),
    }),
    z.strictObject({
      kind: z
        .literal("linear-quadratic")
        .describe(
          "Short even steps near noise, where the layout of a clip is decided, then ever longer ones. Few steps then follow what many would do at the start. As in Movie Gen.",
        ),
      threshold: z
        .number()
        .positive()
        .max(0.5)
        .default(0.025)
        .describe(
          "How far from pure noise the even steps lead. 0.025 as published: the first steps of a 1,000-step run.",
        ),
    }),
    z.strictObject({
      kind: z.literal("times").describe("A list of your own, the same for clips of every size."),
      times: z
        .array(z.number().min(0).max(1))
        .min(2)
        .refine((times) => times[0] === 1 && times.at(-1) === 0, "expected times that begin at 1 and end at 0")
        .refine(
          (times) => times.every((time, i) => i === 0 || time < (times[i - 1] as number)),
          "expected times that go down",
        )
        .describe("From 1, noise, down to 0, the clip: one more than there are steps."),
    }),
  ],
  "linear",
).describe("Where the steps from noise to clip lie.");
export type ScheduleConfig = z.output<typeof scheduleSchema>;

/** Times from 1 to 0, evenly spaced and then shifted by `a`. @returns steps + 1 times. */
export function shiftedTimes(steps: number, a: number): number[] {
  return Array.from({ length: steps + 1 }, (_, i) => shiftTime(1 - i / steps, a));
}

/**
 * Times from 1 to 0: half of them even, until `threshold` of the way is gone, then a parabola that goes on
 * with the same slope. Source: arXiv:2410.13720, section 3.4.2. @returns steps + 1 times.
 */
export function linearQuadraticTimes(steps: number, threshold: number): number[] {
  const even = Math.floor(steps / 2);
  if (even === 0) return [1, 0];
  const slope = threshold / even;
  const curved = steps - even;
  const bend = (1 - threshold - slope * curved) / curved ** 2;
  return Array.from({ length: steps + 1 }, (_, i) => {
    if (i === steps) return 0;
    const past = Math.max(0, i - even);
    return 1 - slope * i - bend * past ** 2;
  });
}
