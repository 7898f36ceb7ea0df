import assert from "node:assert/strict";
import fs from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../src/base/errors.ts";
import { namesIn } from "../../src/base/files.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { BackgroundSave } from "../../src/train/backgroundSave.ts";
import { listCheckpoints, saveCheckpoint } from "../../src/train/checkpoint.ts";
import type { CheckpointStore, Snapshot } from "../../src/train/loop.ts";
import { scratchFolder } from "../data/scratch.ts";
import { MemoryStore, Recorder, runLoop, smallVaeTask, smallWorld } from "./loopSetting.ts";

describe("a save in the background", function () {
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

  const train = { steps: 9, checkpointEvery: 3 };

  it("waits for the one before, and tells its failure at the next call", async () => {
    const events: string[] = [];
    const saves = new BackgroundSave<number>(async (content) => {
      events.push(`begin ${content}`);
      await sleep(10);
      if (content === 2) throw new Error("no room");
      events.push(`end ${content}`);
    });
    await saves.begin(1);
    assert.deepEqual(events, ["begin 1"]);
    await saves.begin(2);
    assert.deepEqual(events, ["begin 1", "end 1", "begin 2"]);
    await assert.rejects(saves.begin(3), /no room/);
    await saves.settled();
    assert.equal(events.length, 3);
  });

  it("writes what a save in the foreground writes, to the byte, while steps go on", async () => {
    const recorder = new Recorder();
    let stepsMeanwhile = 0;
    /** Reads each tensor only after steps have been made: a view of live state would have changed. */
    const late: CheckpointStore = {
      load: async () => undefined,
      async save(snapshot) {
        const before = recorder.steps.length;
        while (snapshot.step < train.steps && recorder.steps.length < before + 2) await sleep(1);
        stepsMeanwhile += recorder.steps.length - before;
        await saveCheckpoint(join(folder(), "late"), { ...snapshot, config: "" }, "all");
      },
    };
    const early = new EagerStore(join(folder(), "early"));
    await runLoop(engine, smallVaeTask(dataset, "random"), { train, store: late, recorder });
    await runLoop(engine, smallVaeTask(dataset, "random"), { train, store: early });
    await early.write();
    assert.ok(stepsMeanwhile >= 4, `${stepsMeanwhile} steps`);
    const [one, other] = [
      await listCheckpoints(join(folder(), "late")),
      await listCheckpoints(join(folder(), "early")),
    ];
    assert.deepEqual([one.length, other.length], [3, 3]);
    for (const [i, { folder: lateFolder }] of one.entries()) {
      const earlyFolder = other[i]?.folder ?? "";
      for (const name of await namesIn(lateFolder)) {
        const [a, b] = [await fs.readFile(join(lateFolder, name)), await fs.readFile(join(earlyFolder, name))];
        assert.ok(a.equals(b), `${lateFolder}/${name}`);
      }
    }
  });

  it("that fails ends the run, with what it threw", async () => {
    const recorder = new Recorder();
    const broken: CheckpointStore = {
      load: async () => undefined,
      save: () => Promise.reject(new UserError("disk", "is full")),
    };
    const run = runLoop(engine, smallVaeTask(dataset, "random"), { train, store: broken, recorder });
    await assert.rejects(run, { name: "UserError", message: "disk: is full" });
    assert.ok(recorder.steps.length <= 4, `${recorder.steps.length} steps were made after the failure`);
  });

  it("is resumed only by the code and the data that it was made with", async () => {
    const store = new MemoryStore();
    await runLoop(engine, smallVaeTask(dataset, "random"), { train, store, stopAfter: 4 });
    const stopped = store.saved.length;
    const augmented = () => smallVaeTask(dataset, "random", 0, { flip: true });
    await assert.rejects(runLoop(engine, augmented(), { train, store }), /^UserError: code: batches of step 5 /);

    const scaled = smallVaeTask(dataset, "random");
    const { draw } = scaled;
    scaled.draw = (at) => {
      const drawn = draw.call(scaled, at);
      const { arrangement } = drawn;
      const loss: typeof arrangement.loss = (params, batch) => {
        const value = arrangement.loss(params, batch);
        return { ...value, loss: value.loss.mul(2).asScalar() };
      };
      return { ...drawn, arrangement: { ...arrangement, loss } };
    };
    await assert.rejects(runLoop(engine, scaled, { train, store }), /^UserError: code: program /);
    await assert.rejects(
      runLoop(engine, smallVaeTask(dataset, "random"), { train, store, optim: { beta1: 0.5 } }),
      /^UserError: code: program optimizer /,
    );
    assert.equal(store.saved.length, stopped);
    const { changes, steps } = await runLoop(engine, augmented(), { train, store, allowChanges: true });
    assert.deepEqual([changes.length, steps], [1, [5, 6, 7, 8, 9]]);
  });
});

/** Copies each snapshot when it is handed over, and writes the copies later. */
class EagerStore extends MemoryStore {
  private readonly run: string;
  private readonly contents: Snapshot[] = [];

  constructor(run: string) {
    super();
    this.run = run;
  }

  override async save(snapshot: Snapshot): Promise<void> {
    this.contents.push(structuredClone(snapshot));
  }

  async write(): Promise<void> {
    for (const snapshot of this.contents) await saveCheckpoint(this.run, { ...snapshot, config: "" }, "all");
  }
}
