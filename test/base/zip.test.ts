import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { UserError } from "../../src/base/errors.ts";
import { ZipFile } from "../../src/base/zip.ts";

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

/** What `fixtures/make_zips.py` put in. */
const CONTENTS: Readonly<Record<string, Buffer>> = {
  "deflated/text.txt": Buffer.from("clips of any length\n".repeat(500)),
  "stored.bin": Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  empty: Buffer.alloc(0),
  "größe.txt": Buffer.from("größe"),
};

async function readAll(path: string): Promise<Record<string, Buffer>> {
  const zip = await ZipFile.open(path);
  try {
    const contents: Record<string, Buffer> = {};
    for (const entry of zip.entries) {
      const pieces: Uint8Array[] = [];
      for await (const piece of zip.read(entry)) pieces.push(piece);
      contents[entry.name] = Buffer.concat(pieces);
    }
    return contents;
  } finally {
    await zip.close();
  }
}

describe("zip files", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "kinema-zip-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const name of ["small.zip", "zip64.zip"]) {
    it(`${name}, which Python wrote, reads as it was written`, async () => {
      assert.deepEqual(await readAll(fixture(name)), CONTENTS);
    });

    it(`${name}: any one changed byte is harmless or told in one line`, async () => {
      const whole = readFileSync(fixture(name));
      const path = join(folder, name);
      const change = fc.tuple(fc.integer({ min: 0, max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }));
      const property = fc.asyncProperty(change, async ([at, by]) => {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ by;
        writeFileSync(path, changed);
        const contents = Object.values(await readAll(path).catch(refusal));
        for (const content of contents) assert.ok(Object.values(CONTENTS).some((known) => known.equals(content)));
      });
      await fc.assert(property, { seed: 5, numRuns: 300 });
    });

    it(`${name}: cut anywhere it is refused`, async () => {
      const whole = readFileSync(fixture(name));
      const path = join(folder, name);
      for (let size = 0; size < whole.length - 30; size += 7) {
        writeFileSync(path, whole.subarray(0, size));
        await assert.rejects(readAll(path), (error) => error instanceof UserError && !error.message.includes("\n"));
      }
    });
  }

  it("a file that is none, and no file", async () => {
    await assert.rejects(ZipFile.open(fileURLToPath(import.meta.url)), /expected a whole zip file/);
    await assert.rejects(ZipFile.open(join(folder, "nothing.zip")), /cannot be opened \(ENOENT\)/);
  });
});

/** A changed file may be refused, in one line. */
function refusal(error: unknown): Record<string, Buffer> {
  if (error instanceof UserError && !error.message.includes("\n")) return {};
  throw error;
}
