import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../../src/base/errors.ts";
import { createDataset } from "../../../src/data/dataset.ts";
import { parseIndex } from "../../../src/data/shards/indexFile.ts";
import { noiseClip, scratchFolder } from "../scratch.ts";

describe("parseIndex", () => {
  const scratch = scratchFolder();

  it("refuses a column of texts without offsets, whose texts would be null", async () => {
    const dir = join(scratch(), "set");
    const manifest = await createDataset(dir, { made: { command: "test", options: {} } }, (out) => {
      for (let i = 0; i < 4; i += 1) out.add(noiseClip(1, 2, 2, i));
    });
    const bytes = Buffer.from(readFileSync(join(dir, "index.arrow")));
    assert.equal(parseIndex("f", bytes, manifest).entries.length, 4);
    // Buffers of the first column: no validity, 4 + 1 offsets of 4 bytes in 24, 4 hashes of 64 letters.
    const lengths = Buffer.from(new BigInt64Array([24n, 24n, 256n]).buffer);
    const at = bytes.indexOf(lengths);
    assert(at > 0);
    bytes.writeBigInt64LE(0n, at);
    assert.throws(
      () => parseIndex("f", bytes, manifest),
      (error: unknown) => {
        assert(error instanceof UserError);
        assert.match(error.message, /^f column hash: expected 5 offsets, got 0/);
        return true;
      },
    );
  });
});
