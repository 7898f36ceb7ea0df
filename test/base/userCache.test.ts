import assert from "node:assert/strict";
import { join } from "node:path";
import { userCache } from "../../src/base/userCache.ts";

describe("the user's cache", () => {
  it("lies where the environment says", () => {
    assert.equal(userCache("programs", { KINEMA_CACHE: "/k", XDG_CACHE_HOME: "/x" }), join("/k", "programs"));
    assert.equal(userCache("programs", { XDG_CACHE_HOME: "/x" }), join("/x", "kinema", "programs"));
    assert.match(userCache("tensorflow", {}), /\.cache.kinema.tensorflow$/);
  });
});
