import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const tsx = new URL("../../../node_modules/tsx/dist/loader.mjs", import.meta.url).href;
const small = new URL("./runSmallModel.ts", import.meta.url);

describe("ONNX Runtime", function () {
  this.timeout(60_000);

  for (const executor of ["c", "js"]) {
    it(`leaves nothing in the user's home and reports to nobody, executor ${executor}`, () => {
      const home = mkdtempSync(join(tmpdir(), "kinema-home-"));
      try {
        const { XDG_CACHE_HOME: _cache, ORT_DISABLE_TELEMETRY: _off, ...others } = process.env;
        const env = { ...others, HOME: home, KINEMA_CACHE: join(home, "kinema") };
        const args = ["--import", tsx, fileURLToPath(small), executor];
        assert.equal(execFileSync(process.execPath, args, { env, encoding: "utf8" }).trim(), "5");
        const left = readdirSync(home, { recursive: true, encoding: "utf8" });
        assert.deepEqual(
          left.filter((path) => /Microsoft|onnxruntime|deviceid/i.test(path)),
          [],
        );
      } finally {
        rmSync(home, { recursive: true });
      }
    });
  }
});
