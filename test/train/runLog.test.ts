import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import syncFs from "node:fs";
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { namesIn } from "../../src/base/files.ts";
import { RunLog, readRunLog } from "../../src/train/runLog.ts";

describe("RunLog", () => {
  let root: string;
  let path: string;
  const told: string[] = [];
  const open = (step: number) => RunLog.open(path, step, (reason) => told.push(reason));
  beforeEach(async () => {
    root = await fs.mkdtemp(join(tmpdir(), "kinema-log-"));
    path = join(root, "log.jsonl");
    told.length = 0;
  });
  afterEach(async () => {
    await fs.rm(root, { recursive: true, force: true });
    assert.deepEqual(told, []);
  });

  async function write(from: number, to: number): Promise<void> {
    const log = await open(from - 1);
    for (let step = from; step <= to; step += 1) log.append({ step, loss: 1 / step });
    log.sync();
    log.close();
  }

  it("of a run stopped and resumed is that of one never stopped, to the byte", async () => {
    await write(1, 10);
    const uninterrupted = await fs.readFile(path);
    await fs.rm(path);
    await write(1, 8);
    await write(6, 7);
    await write(4, 10);
    assert.deepEqual(await fs.readFile(path), uninterrupted);
    assert.deepEqual(await namesIn(root), ["log.jsonl", "log.jsonl.cut-1", "log.jsonl.cut-2"]);
    assert.deepEqual(
      readRunLog(`${path}.cut-1`).map(({ step }) => step),
      [6, 7, 8],
    );
    assert.deepEqual(
      readRunLog(`${path}.cut-2`).map(({ step }) => step),
      [4, 5, 6, 7],
    );
  });

  it("is in the file as soon as a line is appended", async () => {
    const log = await open(0);
    log.append({ step: 1, loss: 2 });
    assert.deepEqual(readRunLog(path), [{ step: 1, loss: 2 }]);
    log.close();
  });

  it("is not touched when nothing lies beyond the step", async () => {
    await write(1, 3);
    const before = await fs.stat(path);
    (await open(3)).close();
    assert.equal((await fs.stat(path)).ino, before.ino);
    assert.deepEqual(await namesIn(root), ["log.jsonl"]);
  });

  it("gets rid of a torn line, and ends a whole one that has no line feed", async () => {
    await write(1, 2);
    await fs.appendFile(path, '{"step":3,"lo');
    await write(3, 3);
    assert.deepEqual(
      readRunLog(path).map(({ step }) => step),
      [1, 2, 3],
    );
    await fs.truncate(path, (await fs.stat(path)).size - 1);
    await write(4, 4);
    assert.deepEqual(
      readRunLog(path).map(({ step }) => step),
      [1, 2, 3, 4],
    );
  });

  it("keeps numbers that JSON cannot hold", async () => {
    const log = await open(0);
    log.append({ step: 1, loss: Number.NaN, gradNorm: Number.POSITIVE_INFINITY, lr: 1e-45 });
    log.close();
    assert.deepEqual(readRunLog(path), [{ step: 1, loss: "NaN", gradNorm: "Infinity", lr: 1e-45 }]);
  });

  it("tells once when it cannot write, and never throws", async () => {
    const write = syncFs.writeSync;
    const log = await open(0);
    try {
      syncFs.writeSync = () => {
        throw new Error("ENOSPC: no space left on device");
      };
      log.append({ step: 1 });
      log.append({ step: 2 });
      syncFs.writeSync = (file: number) => write(file, '{"st');
      log.append({ step: 3 });
    } finally {
      syncFs.writeSync = write;
    }
    log.append({ step: 4 });
    log.close();
    log.append({ step: 5 });
    assert.deepEqual(told.splice(0), [`${path}: ENOSPC: no space left on device`]);
    assert.deepEqual(readRunLog(path), [{ step: 4 }], "a torn line spoils no other");
  });

  it("tells once when it cannot be opened, and never throws", async () => {
    await fs.mkdir(path);
    const log = await open(3);
    log.append({ step: 4 });
    log.sync();
    log.close();
    assert.equal(told.splice(0).length, 1);
  });

  it("goes back to an earlier step: lines beyond it move aside", async () => {
    const log = await open(0);
    for (const step of [1, 2, 3]) log.append({ step });
    await log.goBack(1);
    log.append({ step: 2, again: true });
    log.close();
    assert.deepEqual(readRunLog(path), [{ step: 1 }, { step: 2, again: true }]);
    assert.deepEqual(readRunLog(`${path}.cut-1`), [{ step: 2 }, { step: 3 }]);
  });

  it("loses no line that was acknowledged to a kill", async function () {
    this.timeout(60_000);
    let acknowledged = 0;
    for (const afterMs of [0, 3, 11, 27]) {
      const script = fileURLToPath(new URL("./logForever.ts", import.meta.url));
      const child = spawn(process.execPath, ["--import", "tsx", script, path, String(acknowledged)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let told = "";
      child.stdout.on("data", (piece: Buffer) => {
        told += piece.toString();
      });
      await once(child.stdout, "data");
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      child.kill("SIGKILL");
      await once(child, "close");
      const last = Number(told.slice(0, told.lastIndexOf("\n")).split("\n").at(-1));
      assert.ok(last > acknowledged);
      acknowledged = last;
      const steps = readRunLog(path).map(({ step }) => step);
      assert.deepEqual(
        steps.slice(0, acknowledged),
        Array.from({ length: acknowledged }, (_, i) => i + 1),
      );
    }
  });

  it("reads as empty when there is none", () => {
    assert.deepEqual(readRunLog(path), []);
  });
});
