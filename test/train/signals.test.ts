import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

describe("stop signals", () => {
  for (const [first, second, asked, code] of [
    ["SIGTERM", "SIGTERM", 143, 143],
    ["SIGINT", "SIGINT", 130, 130],
    ["SIGINT", "SIGTERM", 130, 143],
  ] as const) {
    it(`${first} asks for an orderly stop, ${second} after it ends the process at once with ${code}`, async () => {
      const script = fileURLToPath(new URL("./holdSignals.ts", import.meta.url));
      const child = spawn(process.execPath, ["--import", "tsx", script], { stdio: ["ignore", "pipe", "inherit"] });
      const closed = once(child, "close");
      const told = async () => String((await once(child.stdout, "data"))[0]);
      assert.equal(await told(), "listens\n");
      child.kill(first);
      assert.equal(await told(), `asked, ${asked}\n`);
      assert.equal(child.exitCode, null);
      child.kill(second);
      assert.deepEqual(await closed, [code, null]);
    });
  }
});
