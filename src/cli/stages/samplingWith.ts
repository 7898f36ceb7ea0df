import { UserError } from "../../base/errors.ts";
import type { SamplesConfig } from "../../sampling/samplingConfig.ts";

/** What a command's options change of a recipe's way of sampling; undefined: nothing. */
export interface SamplingChanges {
  readonly steps: number | undefined;
  readonly cfg: number | undefined;
  readonly negative?: string | undefined;
}

/**
 * @throws UserError when steps are asked for and the recipe lists its times, or when there is no guidance to lead away
 * from what should not be shown.
 */
export function samplingWith(
  { sampler, guidance }: SamplesConfig,
  { steps, cfg, negative }: SamplingChanges,
): Pick<SamplesConfig, "sampler" | "guidance"> {
  if (steps !== undefined && sampler.schedule.kind === "times") {
    const expected = "none: the recipe lists the times of its steps (samples.sampler.schedule)";
    throw new UserError("--steps", { expected, got: String(steps) });
  }
  const scale = cfg ?? guidance.scale;
  if (negative !== undefined && scale === 1) {
    throw new UserError("--negative", { expected: "a guidance scale other than 1", got: "1", try: "--cfg 5" });
  }
  return {
    sampler: { ...sampler, steps: steps ?? sampler.steps },
    guidance: { ...guidance, scale, negative: negative ?? guidance.negative },
  };
}
