import assert from "node:assert/strict";
import type { Dataset } from "../../src/data/dataset.ts";
import type { Engine, HostMap } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import type { Assembler } from "../../src/train/batches/assembler.ts";
import { InTurn } from "../../src/train/batches/inTurn.ts";
import { withAssembler } from "../../src/train/batches/openAssembler.ts";
import { listCheckpoints, loadCheckpoint, saveCheckpoint } from "../../src/train/checkpoint.ts";
import type { CheckpointStore } from "../../src/train/loop.ts";
import type { Task } from "../../src/train/task.ts";
import { scratchFolder } from "../data/scratch.ts";
import {
  assemblerOf,
  type Kept,
  type LoopSetting,
  MemoryStore,
  Recorder,
  runLoop,
  type SmallLatents,
  smallDitTask,
  smallLatents,
  smallVaeTask,
  smallWorld,
} from "./loopSetting.ts";

describe("the training loop", function () {
  this.timeout(120_000);
  const folder = scratchFolder();
  let dataset: Dataset;
  let data: SmallLatents;
  let engine: Engine;
  before(async () => {
    dataset = await smallWorld(folder());
    data = await smallLatents(dataset);
    engine = await createOnnxEngine({ threads: 1 });
  });
  after(async () => {
    await engine.dispose();
    await data.latents.close();
    await dataset.close();
  });

  const stages: Readonly<Record<string, { makeTask: () => Task | Promise<Task>; optim?: object }>> = {
    "a VAE": { makeTask: () => smallVaeTask(dataset) },
    "a diffusion transformer": { makeTask: () => smallDitTask(data) },
    "a diffusion transformer with Muon": { makeTask: () => smallDitTask(data), optim: { muon: {} } },
  };
  const train = { steps: 9, logEvery: 4, checkpointEvery: 100, accumulate: 2 };

  for (const [stage, { makeTask, optim = {} }] of Object.entries(stages)) {
    it(`goes on exactly where ${stage} was interrupted, between two log lines`, async () => {
      const whole = new MemoryStore();
      const uninterrupted = await runLoop(engine, await makeTask(), { train, optim, store: whole });

      const store = new MemoryStore();
      const first = await runLoop(engine, await makeTask(), { train, optim, store, stopAfter: 3 });
      assert.deepEqual(first.steps, [1, 2, 3]);
      const second = await runLoop(engine, await makeTask(), { train, optim, store, stopAfter: 6 });
      assert.deepEqual(second.steps, [4, 5, 6]);
      const third = await runLoop(engine, await makeTask(), { train, optim, store });
      assert.deepEqual(
        store.saved.map(({ step }) => step),
        [3, 6, 9],
      );
      assertSame(store.saved.at(-1), whole.saved.at(-1));
      assert.deepEqual([...first.figures, ...second.figures, ...third.figures], uninterrupted.figures);
      assert.deepEqual(
        uninterrupted.lines.map(({ step }) => step),
        [4, 8, 9],
      );
    });
  }

  it("goes on exactly where it was interrupted with threads that work ahead, though another number of them", async () => {
    const whole = new MemoryStore();
    const uninterrupted = await runLoop(engine, await smallDitTask(data), { train, store: whole });
    const store = new MemoryStore();
    const figures = [];
    for (const [workers, stopAfter] of [
      [2, 3],
      [1, 5],
      [0, 9],
    ] as const) {
      const task = await smallDitTask(data);
      const { figures: some } = await withAssembler(task, { workers, prefetch: 4 }, (assembler) =>
        runLoop(engine, task, { train, store, stopAfter, assembler }),
      );
      figures.push(...some);
    }
    assertSame(store.saved.at(-1), whole.saved.at(-1));
    assert.deepEqual(figures, uninterrupted.figures);
  });

  it("tells how long steps waited for data", async () => {
    const task = smallVaeTask(dataset, "random");
    const inner = assemblerOf(task);
    const slow = new InTurn({
      async fill(order, tensors) {
        await inner.fill(order, tensors);
        if (order.step > 8) await new Promise((resolve) => setTimeout(resolve, 600));
      },
    });
    const often = { steps: 12, logEvery: 4 };
    const { lines } = await runLoop(engine, task, { train: often, assembler: slow });
    const [, , waited] = lines.map(({ dataWait }) => dataWait);
    // Steps 9 to 12 take 600 ms each to assemble, one after the other, and far less to compute.
    assert.ok(lines.every(({ dataWait }) => dataWait >= 0 && dataWait <= 1));
    assert.ok(waited !== undefined && waited > 0.3, String(waited));
  });

  it("goes on exactly from a checkpoint on the disk", async () => {
    const whole = new MemoryStore();
    await runLoop(engine, await smallDitTask(data), { train, store: whole });
    const store = diskStore(folder());
    await runLoop(engine, await smallDitTask(data), { train, store, stopAfter: 5 });
    await runLoop(engine, await smallDitTask(data), { train, store });
    assert.deepEqual(
      (await listCheckpoints(folder())).map(({ step }) => step),
      [5, 9],
    );
    const { step, tensors, state } = await loadCheckpoint(folder(), { which: ["model", "ema", "optimizer"] });
    assertSame({ step, tensors, state }, whole.saved.at(-1));
  });

  it("refuses a checkpoint whose state it cannot read, in one line", async () => {
    const store = new MemoryStore();
    await runLoop(engine, smallVaeTask(dataset, "random"), { train, store, stopAfter: 1 });
    const [{ step, tensors }] = store.saved as [Kept];
    const strange: CheckpointStore = {
      load: async () => ({ step, tensors, state: { cursor: null } }),
      save: (snapshot) => store.save(snapshot),
    };
    await assert.rejects(runLoop(engine, smallVaeTask(dataset, "random"), { train, store: strange }), {
      name: "UserError",
      message: /^checkpoint 1 state\.json skipped: [^\n]*$/,
    });
  });

  it("does nothing for a run that is done", async () => {
    const store = new MemoryStore();
    await runLoop(engine, smallVaeTask(dataset, "random"), { train, store });
    const task = smallVaeTask(dataset, "random");
    task.draw = () => assert.fail("a batch was drawn");
    const again = await runLoop(engine, task, { train, store });
    assert.deepEqual([again.steps, again.lines, again.sampled, store.saved.length], [[], [], [], 1]);
  });

  it("saves, logs and draws at their steps, and at the last", async () => {
    const store = new MemoryStore();
    const often = { steps: 7, logEvery: 3, checkpointEvery: 2, sampleEvery: 5 };
    const { lines, sampled } = await runLoop(engine, smallVaeTask(dataset, "random"), { train: often, store });
    assert.deepEqual(
      lines.map(({ step }) => step),
      [3, 6, 7],
    );
    assert.deepEqual(sampled, [5, 7]);
    assert.deepEqual(
      store.saved.map(({ step }) => step),
      [2, 4, 6, 7],
    );
  });

  it("saves before it stops, also when the signal comes while pictures are drawn", async () => {
    class Interrupted extends Recorder {
      signal = false;
      override samples = async () => {
        this.signal = true;
      };
    }
    const recorder = new Interrupted();
    const store = new MemoryStore();
    const setting = { train: { steps: 9, sampleEvery: 2 }, store, recorder, shouldStop: () => recorder.signal };
    await runLoop(engine, smallVaeTask(dataset, "random"), setting);
    assert.deepEqual(recorder.steps, [1, 2, 3]);
    assert.deepEqual(
      store.saved.map(({ step }) => step),
      [3],
    );
  });

  it("refuses to keep the best by a loss that is not logged, after the first step", async () => {
    const recorder = new Recorder();
    const best = { steps: 9, keepBest: 1, keepBestBy: "quality" };
    await assert.rejects(runLoop(engine, smallVaeTask(dataset, "random"), { train: best, recorder }), {
      name: "UserError",
      message: /^train\.keepBestBy: expected one of loss, \S.*, got quality$/,
    });
    assert.deepEqual(recorder.steps, []);
  });

  it("waits for the batch on its way when a step fails", async () => {
    const task = smallVaeTask(dataset, "random");
    const inner = assemblerOf(task);
    let underWay = 0;
    const assembler: Assembler = {
      async fill(order, tensors) {
        underWay++;
        await inner.fill(order, tensors);
        await new Promise((resolve) => setTimeout(resolve, 20));
        underWay--;
      },
    };
    const recorder = new Recorder();
    recorder.stepped = () => {
      throw new Error("stop here");
    };
    await assert.rejects(runLoop(engine, task, { train, recorder, assembler }), /stop here/);
    assert.equal(underWay, 0);
  });
});

describe("steps that are not finite", function () {
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

  /** Trains a task whose batches hold a value that is no number at these steps. */
  function runBadAt(bad: readonly number[], value: number, setting: LoopSetting): Promise<Recorder> {
    const task = smallVaeTask(dataset, "random");
    const inner = assemblerOf(task);
    const assembler: Assembler = {
      async fill(order, tensors) {
        await inner.fill(order, tensors);
        if (bad.includes(order.step)) tensors.video_BTHWC?.data.set([value], 5);
      },
    };
    return runLoop(engine, task, { ...setting, assembler });
  }

  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`leaves a step with ${value} out of everything but the count`, async () => {
      const store = new MemoryStore();
      const train = { steps: 4, logEvery: 4, checkpointEvery: 1, keep: 9 };
      const { leftOut, lines, reasons } = await runBadAt([3], value, { train, store });
      assert.deepEqual([leftOut, reasons.length, lines[0]?.skipped], [[3], 1, 1]);
      assert.match(reasons[0] ?? "", /^its loss is NaN|^its loss is Infinity/);
      const [, before, after, last] = store.saved as [Kept, Kept, Kept, Kept];
      assert.deepEqual(after.tensors, before.tensors);
      assert.deepEqual(after.state.losses, before.state.losses);
      assert.deepEqual([before.state.skipped, after.state.skipped, last.state.skipped], [0, 1, 1]);
      assert.notDeepEqual(last.tensors, after.tensors);
      assert.ok(Number.isFinite(lines[0]?.loss));
    });
  }

  it("goes on from a checkpoint made among them", async () => {
    const train = { steps: 6, logEvery: 6 };
    const whole = new MemoryStore();
    const uninterrupted = await runBadAt([2, 3], Number.NaN, { train, store: whole });
    const store = new MemoryStore();
    await runBadAt([2, 3], Number.NaN, { train, store, stopAfter: 3 });
    const resumed = await runBadAt([], 0, { train, store });
    assertSame(store.saved.at(-1), whole.saved.at(-1));
    assert.deepEqual(resumed.figures, uninterrupted.figures);
  });

  it("stops with one line after maxBadSteps in a row, and not before", async () => {
    const train = { steps: 20, maxBadSteps: 3, maxRollbacks: 0 };
    const apart = await runBadAt([1, 2, 4, 5, 7], Number.NaN, { train: { ...train, steps: 8 } });
    assert.deepEqual(apart.leftOut, [1, 2, 4, 5, 7]);
    await assert.rejects(runBadAt([2, 4, 5, 6, 7], Number.NaN, { train }), {
      name: "UserError",
      message:
        "step 6: expected a finite loss and gradient, got 3 steps in a row without (loss NaN, gradient norm NaN); try a lower optim.lr or more optim.warmupSteps",
    });
  });
});

function diskStore(dir: string): CheckpointStore {
  return {
    async load() {
      const none = (await listCheckpoints(dir)).length === 0;
      return none ? undefined : loadCheckpoint(dir, { which: ["model", "ema", "optimizer"] });
    },
    async save(snapshot) {
      await saveCheckpoint(dir, { ...snapshot, config: "" });
    },
  };
}

function assertSame(a: Kept | undefined, b: Kept | undefined) {
  assert.ok(a !== undefined && b !== undefined);
  assert.deepEqual([a.step, a.state], [b.step, b.state]);
  for (const part of ["model", "ema", "optimizer"] as const) {
    const one: HostMap = a.tensors[part] ?? {};
    const other: HostMap = b.tensors[part] ?? {};
    assert.deepEqual(Object.keys(one).sort(), Object.keys(other).sort());
    for (const [path, { data }] of Object.entries(one)) {
      assert.ok(bytesOf(data).equals(bytesOf(other[path]?.data ?? new Uint8Array())), `${part} ${path}`);
    }
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
