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

/** @throws UserError when the model was not trained for the mode. Editing needs nothing but text to video. */
export function refuseUntrained(mode: Mode, conditioning: ConditioningConfig): void {
  const needed = MODES[mode];
  if (needed === undefined || conditioning[needed] > 0) return;
  throw new UserError(mode, {
    expected: `a model trained with a share of objective.conditioning.${needed}`,
    got: "one trained without",
    try: "a recipe such as configs/shapes-modes.yaml",
  });
}
