import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { runProgram } from "../../src/base/program.ts";

const node = (script: string, options: Parameters<typeof runProgram>[2] = {}) =>
  runProgram(process.execPath, ["-e", script], options);

describe("programs", () => {
  it("give how they ended and what they wrote", async () => {
    const { code, signal, stdout, stderr } = await node("console.log('out'); console.error('err'); process.exit(3)");
    assert.deepEqual([code, signal, String(stdout), stderr], [3, null, "out\n", "err\n"]);
    await assert.rejects(runProgram("no-such-program-here", []), /ENOENT/);
  });

  it("are heard line by line as they write, in pieces or with carriage returns", async () => {
    const lines: string[] = [];
    const script = "const w = (t) => process.stdout.write(t); w('on'); setTimeout(() => w('e\\rtwo\\n\\nopen'), 50)";
    await node(script, { onLine: (line) => lines.push(line) });
    assert.deepEqual(lines, ["one", "two"]);
  });

  it("take their folder, their variables and their input from the caller", async () => {
    const script = "process.stdin.pipe(process.stdout); console.log(process.cwd() + process.env.EXTRA)";
    const { stdout } = await node(script, { cwd: tmpdir(), env: { EXTRA: "!" }, input: Buffer.from("given") });
    assert.match(String(stdout), /!\ngiven$/);
  });

  it("read input as it comes, need not read all of it, and are killed when it fails", async () => {
    const pieces = async function* (count: number) {
      for (let i = 0; i < count; i++) yield Buffer.alloc(1 << 16, 65 + i);
      if (count === 3) throw new Error("no more input");
    };
    const echo = "process.stdin.pipe(process.stdout)";
    const { stdout } = await node(echo, { input: pieces(5) });
    assert.deepEqual([stdout.length, stdout.at(-1)], [5 << 16, 69]);
    const early = await node("process.stdin.once('data', () => process.exit(4))", { input: pieces(200) });
    assert.equal(early.code, 4);
    await assert.rejects(node("setInterval(() => 0, 1000)", { input: pieces(3) }), /^Error: no more input$/);
  });

  it("are killed when they take too long or write too much", async () => {
    const slow = await node("setTimeout(() => undefined, 60000)", { timeoutMs: 200 });
    assert.deepEqual([slow.timedOut, slow.code, slow.signal], [true, null, "SIGKILL"]);
    const loud = await node("for (;;) require('fs').writeSync(1, 'x'.repeat(65536))", { maxBytes: 1 << 20 });
    assert.ok(loud.overflowed);
  });
});
