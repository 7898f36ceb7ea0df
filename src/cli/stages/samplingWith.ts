import { UserError } from "../../base/errors.ts";
import type { SamplesConfig } from "../../sampling/samplingConfig.ts";

/** What a command's options change of a recipe's way of sampling; undefined: nothing. */
export interface SamplingChanges {
  readonly steps: number | undefined;
  readonly cfg: number | undefined;
}

/** @throws UserError when steps are asked for and the recipe lists its times. */
export function samplingWith(
  { sampler, guidance }: SamplesConfig,
  { steps, cfg }: SamplingChanges,
): Pick<SamplesConfig, "sampler" | "guidance"> {
  if (steps !== undefined && sampler.schedule.kind === "times") {
    const expected = "none: the recipe lists the times of its steps (samples.sampler.schedule)";
    throw new UserError("--steps", { expected, got: String(steps) });
  }
  return {
    sampler: { ...sampler, steps: steps ?? sampler.steps },
    guidance: { ...guidance, scale: cfg ?? guidance.scale },
  };
}
