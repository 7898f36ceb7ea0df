import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPlainFile, readTextFile } from "../../src/base/plainFile.ts";

describe("plain files", () => {
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

  it("are told from pipes, whose opening would wait for ever", async function () {
    if (process.platform === "win32") this.skip();
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    assert.throws(() => readTextFile(pipe), /pipe: expected a plain file, got a folder or something else/);
    await assert.rejects(openPlainFile(pipe), /pipe: expected a plain file/);
    await assert.rejects(openPlainFile(folder), /expected a plain file/);
  });
});
