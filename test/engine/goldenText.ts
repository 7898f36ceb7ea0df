import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const folder = new URL("../goldens/engine/", import.meta.url);

/**
 * Compares with test/goldens/engine/NAME.txt. `UPDATE_GOLDENS=1 npx mocha ...` writes it anew: look at the difference
 * before you commit it.
 */
export function assertGolden(name: string, text: string): void {
  const file = new URL(`${name}.txt`, folder);
  if (process.env.UPDATE_GOLDENS === "1") {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text);
  }
  assert.equal(text, readFileSync(file, "utf8"));
}
