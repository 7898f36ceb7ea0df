import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTextFile } from "../../src/base/textFile.ts";

describe("readTextFile", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kinema-text-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("reads a file, and neither a huge one nor a folder", () => {
    const file = join(folder, "a.json");
    writeFileSync(file, "größe");
    assert.equal(readTextFile(file), "größe");
    truncateSync(file, 2 ** 40);
    assert.throws(() => readTextFile(file), /a\.json: expected at most 16 MiB of text, got 1099511627776 bytes/);
    assert.throws(() => readTextFile(folder), /expected a plain file, got a folder/);
    assert.throws(() => readTextFile(join(folder, "none")), /ENOENT/);
  });
});
