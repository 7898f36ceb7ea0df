import { UserError } from "../../base/errors.ts";
import type { ConditioningConfig, Pattern } from "../../diffusion/conditioning.ts";

/** What `kinema sample` can be asked for beside text to video, and the share of training that it needs. */
export const MODES = {
  animate: "first",
  "extend forward": "first",
  "extend backward": "last",
  loop: "both",
  connect: "both",
  keyframes: "keyframes",
  edit: undefined,
} as const satisfies Record<string, Pattern | undefined>;
export type Mode = keyof typeof MODES;
export const modes = Object.keys(MODES) as readonly Mode[];

/** Whether a share of training was for the mode. Editing needs nothing but text to video. */
export function isTrainedFor(mode: Mode, conditioning: ConditioningConfig): boolean {
  const needed = MODES[mode];
  return needed === undefined || conditioning[needed] > 0;
}

/** @throws UserError when the model was not trained for the mode. */
export function refuseUntrained(mode: Mode, conditioning: ConditioningConfig): void {
  if (isTrainedFor(mode, conditioning)) return;
  throw new UserError(mode, {
    expected: `a model trained with a share of objective.conditioning.${MODES[mode]}`,
    got: "one trained without",
    try: "a recipe such as configs/shapes-modes.yaml",
  });
}
