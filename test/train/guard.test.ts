import assert from "node:assert/strict";
import type { JsonObject } from "../../src/base/json.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Executor } from "../../src/engine/runtime/executor.ts";
import { createOnnxEngine, OnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import type { Assembler } from "../../src/train/batches/assembler.ts";
import { SpikeWatch } from "../../src/train/spikes.ts";
import type { Task } from "../../src/train/task.ts";
import { scratchFolder } from "../data/scratch.ts";
import { onWebGpu } from "../engine/adapter.ts";
import {
  assemblerOf,
  type Kept,
  type LoopSetting,
  MemoryStore,
  type Recorder,
  runLoop,
  smallVaeTask,
  smallWorld,
} from "./loopSetting.ts";

/** A store that begins with a checkpoint. */
class StartedStore extends MemoryStore {
  constructor(first: Kept) {
    super();
    this.saved.push(first);
  }
}

describe("a run that meets batches which are no numbers", function () {
  this.timeout(120_000);
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

  /**
   * Trains with a value in some batches. They are told by how many were drawn before them in the whole run, so that a
   * batch is bad whatever the step that meets it.
   */
  async function runWith(isBad: (drawn: number) => boolean, value: number, setting: LoopSetting, on = engine) {
    const task = smallVaeTask(dataset, "random");
    const bad = new Set<object>();
    const inner = assemblerOf(task);
    const { draw } = task;
    task.draw = (at) => {
      const drawn = draw.call(task, at);
      if (isBad(Number(packsOf(drawn.cursor)))) bad.add(drawn.order);
      return drawn;
    };
    const assembler: Assembler = {
      async fill(order, tensors) {
        await inner.fill(order, tensors);
        if (bad.has(order)) tensors.video_BTHWC?.data.set([value], 5);
      },
    };
    return runLoop(on, task, { ...setting, assembler });
  }

  const isOneOf = (numbers: readonly number[]) => (drawn: number) => numbers.includes(drawn);

  it("leaves one out, and goes on as a run does that never saw the batch", async () => {
    const train = { steps: 8, logEvery: 1, checkpointEvery: 1, keep: 9 };
    const store = new MemoryStore();
    const run = await runWith(isOneOf([4]), Number.NaN, { train, store });
    assert.deepEqual([run.leftOut, run.waysBack], [[4], []]);

    const before = at(store, 3);
    const after = at(store, 4);
    const never = new StartedStore({
      ...before,
      step: 4,
      state: { ...before.state, cursor: after.state.cursor ?? null, nextBatches: null },
    });
    const other = await runWith(() => false, 0, { train, store: never });
    assert.deepEqual(store.saved.at(-1)?.tensors, never.saved.at(-1)?.tensors);
    assert.deepEqual(lrs(run).slice(4), lrs(other));
  });

  it("goes back after three, and goes on with the next data as a run does that never saw them", async () => {
    const train = { steps: 8, logEvery: 1, checkpointEvery: 2, keep: 9, maxBadSteps: 3 };
    const store = new MemoryStore();
    const run = await runWith(isOneOf([4, 5, 6]), Number.NaN, { train, store });
    assert.deepEqual([run.leftOut, run.waysBack], [[4, 5, 6], [[6, 2]]]);
    assert.deepEqual(
      store.saved.map(({ step }) => step),
      [2, 4, 4, 6, 8],
    );

    const good = at(store, 2);
    const ahead = await cursorAfter(6);
    const never = new StartedStore({ ...good, state: { ...good.state, cursor: ahead, nextBatches: null } });
    const other = await runWith(() => false, 0, { train, store: never });
    assert.deepEqual(store.saved.at(-1)?.tensors, never.saved.at(-1)?.tensors);
    assert.deepEqual(run.figures.slice(-6), other.figures);
    const { skipped, rollbacks, badSteps } = store.saved.at(-1)?.state ?? {};
    assert.deepEqual([skipped, rollbacks, badSteps], [3, 1, 0]);
  });

  it("is the same wherever it is stopped and resumed, among the bad steps too", async () => {
    const train = { steps: 8, logEvery: 2, checkpointEvery: 2, maxBadSteps: 3 };
    const whole = new MemoryStore();
    const uninterrupted = await runWith(isOneOf([4, 5, 6]), Number.NaN, { train, store: whole });
    for (const stop of [3, 5]) {
      const store = new MemoryStore();
      const first = await runWith(isOneOf([4, 5, 6]), Number.NaN, { train, store, stopAfter: stop });
      const second = await runWith(isOneOf([4, 5, 6]), Number.NaN, { train, store });
      assert.deepEqual(store.saved.at(-1), whole.saved.at(-1), `stopped after ${stop}`);
      const figures = [...first.figures, ...second.figures];
      assert.deepEqual(figures.slice(-3), uninterrupted.figures.slice(-3));
    }
  });

  it("goes back to the start when there is no checkpoint yet", async () => {
    const store = new MemoryStore();
    const train = { steps: 4, maxBadSteps: 2 };
    const run = await runWith(isOneOf([1, 2]), Number.POSITIVE_INFINITY, { train, store });
    assert.deepEqual([run.waysBack, run.steps], [[[2, 0]], [1, 2, 1, 2, 3, 4]]);
  });

  it("ends with one line when every batch is bad, after going back so often", async () => {
    const train = { steps: 50, maxBadSteps: 3, maxRollbacks: 2 };
    const store = new MemoryStore();
    await assert.rejects(
      runWith(() => true, Number.NaN, { train, store }),
      {
        name: "UserError",
        message:
          "step 3: expected a finite loss and gradient, got 3 steps in a row without (loss NaN, gradient norm NaN), after the run went back 2 times; try a lower optim.lr or more optim.warmupSteps",
      },
    );
  });

  it("leaves a spike out where it is told to look for some", async () => {
    const train = { steps: 20, spikeWindow: 10, maxBadSteps: 3, logEvery: 1 };
    const calm = await runWith(isOneOf([15]), 300, { train });
    assert.deepEqual(calm.leftOut, []);
    const watched = await runWith(isOneOf([15]), 300, { train: { ...train, spikeSigma: 30 } });
    assert.deepEqual(watched.leftOut, [15]);
    assert.match(watched.reasons[0] ?? "", /^its loss \S+ is a spike: over \S+$/);
  });

  onWebGpu("going back with the state on the device", (executor) => {
    it("ends with the weights, to the bit, of a run that never saw the batches", async function () {
      this.timeout(600_000);
      const lasting = Object.create(executor(), { dispose: { value: async () => undefined } }) as Executor;
      const gpu = new OnnxEngine(lasting);
      const train = { steps: 3, logEvery: 1, checkpointEvery: 1, keep: 9, maxBadSteps: 2 };
      const store = new MemoryStore();
      const run = await runWith(isOneOf([2, 3]), Number.NaN, { train, store }, gpu);
      assert.deepEqual([run.leftOut, run.waysBack], [[2, 3], [[3, 1]]]);

      const good = at(store, 1);
      const never = new StartedStore({
        ...good,
        state: { ...good.state, cursor: await cursorAfter(3), nextBatches: null },
      });
      const other = await runWith(() => false, 0, { train, store: never }, gpu);
      assert.notDeepEqual(store.saved.at(-1)?.tensors, good.tensors);
      assert.deepEqual(store.saved.at(-1)?.tensors, never.saved.at(-1)?.tensors);
      assert.deepEqual(run.figures.slice(-2), other.figures);
      await gpu.dispose();
    });
  });

  async function cursorAfter(draws: number) {
    const task: Task = smallVaeTask(dataset, "random");
    let cursor: Kept["state"][string] = null;
    for (let step = 1; step <= draws; step++) cursor = task.draw({ step, part: 0 }).cursor;
    return cursor ?? null;
  }
});

describe("spikes", () => {
  it("are losses so many standard deviations over the mean of a full window", () => {
    const watch = new SpikeWatch(2, 4, []);
    for (const loss of [9, 1, 3, 1]) {
      assert.equal(watch.limit, Number.POSITIVE_INFINITY);
      watch.add(loss);
    }
    watch.add(3);
    // Mean and deviation of 1, 3, 1, 3 are 2 and 1.
    assert.deepEqual([watch.losses, watch.limit], [[1, 3, 1, 3], 4]);
    assert.equal(new SpikeWatch(2, 4, watch.losses).limit, 4);
    assert.deepEqual(new SpikeWatch(0, 4, [1]).losses, []);
  });
});

function at(store: MemoryStore, step: number): Kept {
  const kept = store.saved.find((each) => each.step === step);
  assert.ok(kept !== undefined);
  return kept;
}

function lrs({ lines }: Recorder) {
  return lines.map(({ step, lr }) => [step, lr]);
}

/** How many batches were drawn until a cursor. */
function packsOf(cursor: unknown): unknown {
  return (cursor as JsonObject).packs;
}
