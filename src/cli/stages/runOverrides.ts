import { UserError } from "../../base/errors.ts";
import type { EngineKind } from "../../engine/engineConfig.ts";

/** Parts of a trained run's recipe that may be another when clips are drawn: the rest made its weights. */
const CHANGEABLE = ["samples", "engine"];

/**
 * Changes to the recipe of a trained run, as its user gave them.
 * @param overrides `key.path=value` each. @param engine `--engine`, which wins.
 * @throws UserError when one is of another part of the recipe.
 */
export function runOverrides(overrides: readonly string[], engine: EngineKind | undefined): string[] {
  for (const text of overrides) {
    const [part = ""] = text.split(/[.=]/, 1);
    if (CHANGEABLE.includes(part)) continue;
    const expected = `keys of ${CHANGEABLE.join(" or ")}, as all else is in the weights`;
    throw new UserError("overrides", { expected, got: text, try: "samples.sampler.kind=unipc" });
  }
  return engine === undefined ? [...overrides] : [...overrides, `engine={ kind: ${engine} }`];
}
