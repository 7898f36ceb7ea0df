import assert from "node:assert/strict";
import { encodeText, prefixIds } from "../../../src/models/text/bytes.ts";
import { byteEncoderSchema } from "../../../src/models/text/textConfig.ts";
import { textRow, textRowLength } from "../../../src/models/text/textRow.ts";

describe("prefixIds", () => {
  const prefixes = (text: string) => [...prefixIds(encodeText(text, 16).ids, 2048)];

  it("knows a word at its last byte, wherever it stands", () => {
    const [, , , red] = prefixes("red dog");
    assert.ok(red !== undefined && red > 0);
    assert.equal(prefixes("a red")[5], red);
    assert.notEqual(prefixes("a rod")[5], red);
    assert.notEqual(prefixes("ared")[4], red);
  });

  it("is 0 at spaces, special ids and padding, and below the number of buckets", () => {
    const ids = prefixes("ab c");
    assert.deepEqual(
      ids.map((id) => id > 0),
      [false, true, true, false, true, ...Array<boolean>(11).fill(false)],
    );
    for (const text of ["purple", "yellow", "translucent"]) {
      assert.ok([...prefixIds(encodeText(text, 16).ids, 8)].every((id) => id < 8));
    }
  });

  it("follows the bytes in an encoder's row", () => {
    const cfg = byteEncoderSchema.parse({ kind: "bytes", maxTokens: 16 });
    assert.equal(textRowLength(cfg), 32);
    const row = textRow("red dog", cfg);
    assert.deepEqual([...row.subarray(0, 16)], [...encodeText("red dog", 16).ids]);
    assert.deepEqual([...row.subarray(16)], prefixes("red dog"));
  });
});
