/** Reading of text files that may come from strangers. */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { UserError } from "./errors.ts";

/** Enough for what this project writes into one JSON file; parsed, it stays within a few hundred megabytes. */
const maxTextBytes = 16 << 20;

/**
 * The text of a file, whole. Its kind and size are looked at before anything is read.
 * @throws UserError when it is no plain file or too large; an error of the system when it cannot be opened.
 */
export function readTextFile(path: string): string {
  const file = openSync(path, "r");
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new UserError(path, { expected: "a plain file", got: "a folder or something else" });
    if (stat.size > maxTextBytes) {
      throw new UserError(path, { expected: `at most ${maxTextBytes >> 20} MiB of text`, got: `${stat.size} bytes` });
    }
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}
