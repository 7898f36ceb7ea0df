import assert from "node:assert/strict";
import type { z } from "zod";
import { UserError } from "../../src/base/errors.ts";
import { loadRecipe } from "../../src/config/recipe.ts";
import { schemaAt, schemaKeys } from "../../src/config/schema.ts";

/**
 * Tries typos of every key that a recipe can have (each, or only every so manyth), as overrides; `wrong` holds those
 * for which the right key is not the first suggestion.
 */
export function suggestionsFor(
  schema: z.ZodType<object>,
  file: string,
  every = 1,
): { numTypos: number; wrong: string[] } {
  const { value } = loadRecipe(file, [], schema);
  const keys = schemaKeys(schema)
    .map((key) => key.path)
    .filter((key) => !key.includes("[]") && schemaAt(schema, key.split("."), value) !== undefined);
  const known = new Set(keys);
  const wrong: string[] = [];
  let numTypos = 0;
  let turn = 0;
  for (const key of keys) {
    const parent = key.slice(0, key.lastIndexOf(".") + 1);
    for (const typo of typos(key.slice(parent.length))) {
      turn += 1;
      if (known.has(parent + typo) || turn % every !== 0) continue;
      numTypos += 1;
      const message = refusal(schema, file, `${parent}${typo}=1`);
      const isRight = new RegExp(`unknown key; did you mean ${key.replaceAll(".", "\\.")}( or .*)?\\?`).test(message);
      if (!isRight) wrong.push(`${parent}${typo}: ${message}`);
    }
  }
  return { numTypos, wrong };
}

/** The message with which a recipe is refused for one override. */
export function refusal(schema: z.ZodType<object>, file: string, override: string): string {
  try {
    loadRecipe(file, [override], schema);
  } catch (error) {
    assert(error instanceof UserError, String(error));
    return error.message;
  }
  return assert.fail(`${override} was accepted`);
}

/** Every single deletion, swap, doubling and replacement by a key's right neighbour on the keyboard, and two cases. */
function typos(key: string): string[] {
  const rows = "qwertyuiop asdfghjkl zxcvbnm";
  const places = [...key].map((_, i) => i);
  const beside = (letter: string) => rows[(rows.indexOf(letter.toLowerCase()) + 1) % rows.length]?.trim() || "q";
  const all = places.flatMap((i) => {
    const [head, letter, tail] = [key.slice(0, i), key[i] ?? "", key.slice(i + 1)];
    const swapped = tail === "" ? [] : [head + tail[0] + letter + tail.slice(1)];
    return [
      head + tail,
      head + letter + letter + tail,
      head + beside(letter) + tail,
      head + letter + beside(letter) + tail,
      ...swapped,
    ];
  });
  const snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return [...new Set([...all, snake, key.toUpperCase()])].filter((typo) => typo !== key && typo !== "");
}
