import { z } from "zod";
import { withEffects } from "../config/effect.ts";
import { linearQuadraticTimes, scheduleSchema, shiftedTimes } from "./schedule.ts";
import { shiftOf, shiftSchema } from "./shift.ts";
import { dpmpp2m } from "./solvers/dpmpp2m.ts";
import { euler } from "./solvers/euler.ts";
import { heun } from "./solvers/heun.ts";
import type { Solver } from "./solvers/solver.ts";
import { unipc } from "./solvers/unipc.ts";

export const samplerSchema = withEffects(
  z.strictObject({
    kind: z
      .enum(["euler", "heun", "dpm++", "unipc"])
      .default("euler")
      .describe(
        "How steps follow the flow. euler: the plainest, its error falls with the step. heun: with its square, asking the model twice a step. dpm++ (2M), unipc: with its square or better, asking once; made for few steps.",
      ),
    order: z
      .union([z.literal(2), z.literal(3)])
      .default(2)
      .describe("Of unipc's predictor. 2 is steadier under guidance, as its authors say; 3 for weak guidance or none."),
    steps: z.int().positive().default(30).describe("Steps from noise to clip."),
    schedule: scheduleSchema,
    shift: shiftSchema,
  }),
  [
    { key: "order", needs: ({ kind }) => kind === "unipc", why: "only kind unipc reads it" },
    { key: "steps", needs: ({ schedule }) => schedule.kind !== "times", why: "schedule.times says how many" },
    { key: "shift", needs: ({ schedule }) => schedule.kind === "linear", why: "only schedule linear is shifted" },
  ],
);
export type SamplerConfig = z.output<typeof samplerSchema>;

/** Steps from noise to clip. */
export function numStepsOf({ schedule, steps }: SamplerConfig): number {
  return schedule.kind === "times" ? schedule.times.length - 1 : steps;
}

/** The times of a clip with this many tokens: before each step and after the last, from 1 to 0. */
export function timesOf({ schedule, steps, shift }: SamplerConfig, numTokens: number): readonly number[] {
  if (schedule.kind === "times") return schedule.times;
  if (schedule.kind === "linear") return shiftedTimes(steps, shiftOf(shift, numTokens));
  return linearQuadraticTimes(steps, schedule.threshold);
}

export function solverOf({ kind, order }: SamplerConfig): Solver {
  if (kind === "unipc") return unipc(order);
  return { euler, heun, "dpm++": dpmpp2m }[kind];
}
