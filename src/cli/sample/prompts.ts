import { UserError } from "../../base/errors.ts";
import type { DiTConfig } from "../../models/dit/ditConfig.ts";
import { numCutOf } from "../../models/text/textRow.ts";

/** What a clip shows from some time on. */
export interface TimedPrompt {
  readonly seconds: number;
  readonly prompt: string;
}

/** Prompts of several clips, or those of one clip in the order of their times. */
export type Prompts =
  | { readonly kind: "clips"; readonly prompts: readonly string[] }
  | { readonly kind: "timeline"; readonly timeline: readonly TimedPrompt[] };

const TIMED = /^\s*(\d+(?:\.\d+)?)\s*s?\s*:\s*(.*)$/s;

/** `0: a red circle`, `20s: a blue square` are one clip's prompts; others are of a clip each; none is one empty prompt. */
export function parsePrompts(texts: readonly string[]): Prompts {
  const matches = texts.map((text) => TIMED.exec(text));
  const [timed, plain] = [matches.findIndex((match) => match !== null), matches.indexOf(null)];
  if (timed < 0) return { kind: "clips", prompts: texts.length === 0 ? [""] : texts };
  if (plain >= 0) {
    throw new UserError("--prompt", {
      expected: 'a time before every prompt or before none, as in "0: ..." and "20s: ..."',
      got: `${JSON.stringify(texts[timed])} and ${JSON.stringify(texts[plain])}`,
    });
  }
  const timeline = matches.map((match) => ({ seconds: Number(match?.[1]), prompt: match?.[2] ?? "" }));
  timeline.forEach(({ seconds }, i) => {
    const before = timeline[i - 1]?.seconds;
    if (before === undefined ? seconds === 0 : seconds > before) return;
    throw new UserError("--prompt", {
      expected: "times from 0 on, each later than the one before",
      got: timeline.map((entry) => `${entry.seconds}s`).join(", "),
    });
  });
  return { kind: "timeline", timeline };
}

/** All texts that a model is to read. */
export function textsOf(prompts: Prompts): readonly string[] {
  return prompts.kind === "clips" ? prompts.prompts : prompts.timeline.map(({ prompt }) => prompt);
}

/** What each clip shows first, and later. */
export function clipsOf(prompts: Prompts): { readonly prompt: string; readonly later: readonly TimedPrompt[] }[] {
  if (prompts.kind === "clips") return prompts.prompts.map((prompt) => ({ prompt, later: [] }));
  const [first, ...later] = prompts.timeline;
  return [{ prompt: first?.prompt ?? "", later }];
}

/** Refuses texts where the model reads none; tells of those that are longer than it reads. */
export function checkTexts(
  option: string,
  texts: readonly string[],
  text: DiTConfig["text"],
  tell: (line: string) => void,
): void {
  for (const words of texts) {
    if (words === "") continue;
    if (text.kind === "none") {
      throw new UserError(option, { expected: "none: this model was trained without text", got: "a prompt" });
    }
    const numCut = numCutOf(words, text);
    if (numCut > 0) tell(`${option}: the model does not read the last ${numCut} ${text.kind} of "${words}"`);
  }
}
