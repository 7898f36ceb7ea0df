import assert from "node:assert/strict";
import { KeyedRandom } from "../../src/base/random.ts";
import { isHeldOut } from "../../src/data/heldOut.ts";

describe("isHeldOut", () => {
  const hashes = Array.from({ length: 5000 }, (_, i) => {
    const random = new KeyedRandom(1, "test.hash", i);
    return Array.from({ length: 64 }, () => random.int(16).toString(16)).join("");
  });

  it("holds out the share asked for; a larger share holds the smaller one", () => {
    const small = hashes.filter((hash) => isHeldOut(hash, 0.05));
    const large = hashes.filter((hash) => isHeldOut(hash, 0.2));
    assert.ok(Math.abs(small.length - 250) < 60 && Math.abs(large.length - 1000) < 120);
    assert.ok(small.every((hash) => isHeldOut(hash, 0.2)));
    assert.equal(hashes.filter((hash) => isHeldOut(hash, 0)).length, 0);
    assert.throws(() => isHeldOut("00", 1), /a number in \[0, 1\)/);
  });
});
