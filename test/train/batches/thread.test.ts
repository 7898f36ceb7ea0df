import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

const tsx = new URL("../../../node_modules/tsx/dist/loader.mjs", import.meta.url).href;
const assembler = new URL("../../../src/train/batches/assembler.ts", import.meta.url).href;

describe("an assembling thread", function () {
  this.timeout(60_000);

  it("loads nothing that computes: it starts in a fraction of a second, in a fraction of the memory", () => {
    const script = `await import("${assembler}");
      const { createRequire } = await import("node:module");
      const loaded = Object.keys(createRequire("${assembler}").cache);
      console.log(JSON.stringify(loaded));`;
    const args = ["--import", tsx, "--input-type=module", "--eval", script];
    const loaded = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as string[];
    assert.ok(
      loaded.some((file) => file.includes("zod") || file.includes("seedrandom")),
      "libraries are seen",
    );
    assert.deepEqual(
      loaded.filter((file) => /@tensorflow|onnxruntime|koffi/.test(file)),
      [],
    );
  });
});
