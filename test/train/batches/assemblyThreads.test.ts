import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../../src/base/errors.ts";
import { type Dataset, openDataset } from "../../../src/data/dataset.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { createOnnxEngine } from "../../../src/engine/runtime/onnxEngine.ts";
import { AssemblyThreads } from "../../../src/train/batches/assemblyThreads.ts";
import { BatchBuffers } from "../../../src/train/batches/batchBuffers.ts";
import { BatchFeed } from "../../../src/train/batches/batchFeed.ts";
import { withAssembler } from "../../../src/train/batches/openAssembler.ts";
import { scratchFolder } from "../../data/scratch.ts";
import { MemoryStore, runLoop, smallVaeTask, smallWorld } from "../loopSetting.ts";

const tsx = new URL("../../../node_modules/tsx/dist/loader.mjs", import.meta.url).href;
const troubledThread = new URL("./troubledThread.ts", import.meta.url);

describe("threads that assemble batches", function () {
  this.timeout(60_000);
  const folder = scratchFolder();
  let dataset: Dataset;
  let engine: Engine;
  before(async () => {
    dataset = await smallWorld(folder());
    engine = await createOnnxEngine({ threads: 1 });
  });
  after(async () => {
    await engine.dispose();
    await dataset.close();
  });

  /** Trains until a thread gets into trouble at step 4. */
  async function trainInto(trouble: string): Promise<{ error: unknown; saved: number[] }> {
    const task = smallVaeTask(dataset, "random");
    const settings = { assembly: task.assembly, stores: [], trouble, atStep: 4 };
    const threads = new AssemblyThreads({
      count: 1,
      settings,
      onBadShard: () => undefined,
      file: troubledThread,
      resourceLimits: { maxOldGenerationSizeMb: 32 },
    });
    const store = new MemoryStore();
    const train = { steps: 9, checkpointEvery: 1 };
    const run = runLoop(engine, task, { train, store, assembler: threads });
    const error = await run.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    await threads.close();
    return { error, saved: store.saved.map(({ step }) => step) };
  }

  it("hand on a refusal as what it was; the steps before it are done and saved", async () => {
    const { error, saved } = await trainInto("refusal");
    assert.ok(error instanceof UserError);
    assert.equal(error.message, "data/x: expected a row, got none");
    assert.deepEqual(saved, [1, 2, 3]);
  });

  const deaths = { exit: "exit code 3", throw: "a bug", memory: "out of memory|memory limit" };
  for (const [trouble, how] of Object.entries(deaths)) {
    it(`end the run with one line when one of them dies (${trouble})`, async () => {
      const { error, saved } = await trainInto(trouble);
      assert.ok(error instanceof UserError, String(error));
      assert.match(
        error.message,
        new RegExp(`^loader\\.workers: expected threads [^\\n]*ended early \\([^\\n]*(${how})`),
      );
      // It may die while an earlier step is computed or waits to be handed on.
      assert.deepEqual(saved, [1, 2, 3].slice(0, saved.length));
    });
  }

  it("tell of damaged shards and clips once, like the main thread, and end when too many are", async () => {
    const dir = join(folder(), "damaged");
    await (await smallWorld(dir)).close();
    const shard = join(dir, "world", "shard-00000.arrow");
    const bytes = readFileSync(shard);
    // Every clip is longer than this.
    for (let i = 400; i < bytes.length; i += 400) bytes[i] = (bytes[i] as number) ^ 1;
    writeFileSync(shard, bytes);
    const told: string[][] = [];
    for (const workers of [0, 2]) {
      const lines: string[] = [];
      const damaged = await openDataset(join(dir, "world"), { tell: (line) => lines.push(line) });
      const task = smallVaeTask(damaged, "random");
      await withAssembler(task, { workers, prefetch: 1 }, async (assembler) => {
        const feed = new BatchFeed({ task, assembler, fromStep: 0, numSteps: 5, numParts: 1, prefetch: 0 });
        const error = await feed.next().catch((thrown: unknown) => thrown);
        assert.ok(error instanceof UserError, String(error));
        await feed.close();
        told.push([...lines, error.message]);
      });
      await damaged.close();
    }
    const [ofShard, first, second, end] = told[0] ?? [];
    assert.match(ofShard ?? "", /shard-00000\.arrow: expected sha256/);
    assert.match(first ?? "", /clip \d+ .*; it is left out, the 1st of 24 clips$/);
    assert.match(second ?? "", /clip \d+ .*; it is left out, the 2nd of 24 clips$/);
    assert.match(
      end ?? "",
      /expected at most 5 % of 24 clips damaged \(data\.maxBadShare\), got 2, the last shard-00000/,
    );
    assert.deepEqual(told[1], told[0]);
  });

  it("refuse work after they were closed, and leave no file open", async () => {
    const task = smallVaeTask(dataset, "random");
    const openFiles = () => readdirSync("/proc/self/fd").length;
    const fill = (threads: AssemblyThreads) => {
      const { order, arrangement } = task.draw({ step: 1, part: 0 });
      return threads.fill(order, new BatchBuffers(1).take(arrangement.signature).tensors);
    };
    const run = async () => {
      const settings = { assembly: task.assembly, stores: task.stores.specs };
      const threads = new AssemblyThreads({ count: 1, settings, onBadShard: () => undefined });
      await Promise.all([fill(threads), fill(threads)]);
      await threads.close();
      return threads;
    };
    await run();
    const before = openFiles();
    const threads = await run();
    assert.equal(openFiles(), before);
    await assert.rejects(fill(threads), /closed/);
  });

  it("do not keep a process alive", async () => {
    const script = new URL("./trainWithThreads.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--import", tsx, script, dataset.dir]);
    let text = "";
    child.stdout.on("data", (piece: Buffer) => {
      text += piece.toString();
    });
    const [code] = await once(child, "close");
    assert.deepEqual([code, text], [0, "done\n"]);
  });
});
