import assert from "node:assert/strict";
import type { Dataset } from "../../src/data/dataset.ts";
import { createEagerEngine } from "../../src/engine/eager/eagerEngine.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Executor } from "../../src/engine/runtime/executor.ts";
import { createOnnxEngine, OnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { OrtC } from "../../src/engine/runtime/ortC.ts";
import { loadCheckpoint, saveCheckpoint } from "../../src/train/checkpoint.ts";
import type { CheckpointStore } from "../../src/train/loop.ts";
import { scratchFolder } from "../data/scratch.ts";
import { onWebGpu } from "../engine/adapter.ts";
import { faultyDevice } from "../engine/faultyExecutor.ts";
import {
  MemoryStore,
  Recorder,
  runLoop,
  type SmallLatents,
  smallDitTask,
  smallLatents,
  smallWorld,
} from "./loopSetting.ts";

const TOLERANCE = 1e-4;
const train = { steps: 6, logEvery: 1, checkpointEvery: 3 };

/** Told where a resumed state comes from. */
class StartRecorder extends Recorder {
  readonly starts: { fromStep: number; writtenOn: string | undefined }[] = [];

  override started: Recorder["started"] = async (fromStep, _, writtenOn) => {
    this.starts.push({ fromStep, writtenOn });
  };
}

describe("a run that changes its engine", () => {
  const folder = scratchFolder();
  let dataset: Dataset;
  let data: SmallLatents;
  before(async () => {
    dataset = await smallWorld(folder());
    data = await smallLatents(dataset);
  });
  after(async () => {
    await data.latents.close();
    await dataset.close();
  });

  const onnx = () => createOnnxEngine({ threads: 1 });
  const plain = () => createEagerEngine("cpu");

  /** Trains three steps on one engine and three on another. */
  async function changing(first: () => Promise<Engine>, second: () => Promise<Engine>) {
    const [store, recorder] = [new MemoryStore(), new StartRecorder()];
    const names: string[] = [];
    for (const [make, stopAfter] of [[first, 3] as const, [second, undefined] as const]) {
      const engine = await make();
      names.push(engine.description);
      const setting = stopAfter === undefined ? { train, store, recorder } : { train, store, recorder, stopAfter };
      await runLoop(engine, await smallDitTask(data), setting);
      await engine.dispose();
    }
    return { recorder, names };
  }

  function assertSameLosses(got: Recorder, expected: Recorder): void {
    assert.deepEqual(
      got.lines.map(({ step }) => step),
      expected.lines.map(({ step }) => step),
    );
    for (const [i, { loss }] of expected.lines.entries()) {
      const error = Math.abs((got.lines[i]?.loss ?? 0) - loss) / loss;
      assert.ok(error <= TOLERANCE, `step ${i + 1}: ${error}`);
    }
  }

  it("goes on to the same losses, and is told which engine computed what it resumes", async () => {
    const engine = await onnx();
    const whole = await runLoop(engine, await smallDitTask(data), { train });
    await engine.dispose();
    for (const [first, second] of [
      [onnx, plain],
      [plain, onnx],
    ] as const) {
      const { recorder, names } = await changing(first, second);
      assertSameLosses(recorder, whole);
      assert.deepEqual(recorder.starts, [
        { fromStep: 0, writtenOn: undefined },
        { fromStep: 3, writtenOn: names[0] },
      ]);
    }
    const { recorder } = await changing(onnx, onnx);
    assert.deepEqual(recorder.starts[1], { fromStep: 3, writtenOn: undefined });
  });

  it("ends in one line when its device is lost, with the last checkpoint intact", async () => {
    const device = faultyDevice(
      new OrtC({ threads: 1, spin: false }),
      30,
      "WebGPU device lost (1): reset\n  at frame 7",
    );
    const engine = new OnnxEngine(device);
    const run = folder();
    const saved: number[] = [];
    const store: CheckpointStore = {
      load: async () => undefined,
      save: async (snapshot) => {
        await saveCheckpoint(run, { ...snapshot, config: "" });
        saved.push(snapshot.step);
      },
    };
    await assert.rejects(
      runLoop(engine, await smallDitTask(data), { train: { ...train, steps: 50, checkpointEvery: 2 }, store }),
      /^UserError: engine\.provider webgpu: the device was lost \(.*reset\); try the same command again; it goes on from the last checkpoint$/,
    );
    await engine.dispose();
    assert.ok(saved.length > 0);
    const { step, tensors } = await loadCheckpoint(run, { which: ["model", "optimizer"] });
    assert.equal(step, saved.at(-1));
    assert.ok(Object.keys(tensors.model).length > 0);
  });

  onWebGpu("training with the state on the device", (executor) => {
    const gpu = async (): Promise<OnnxEngine> => {
      const lasting = Object.create(executor(), { dispose: { value: async () => undefined } }) as Executor;
      return new OnnxEngine(lasting, { strict: true });
    };

    it("reaches the losses of the processors, sending a batch a step and receiving scalars", async function () {
      this.timeout(600_000);
      const reference = await runLoop(await onnx(), await smallDitTask(data), { train: { steps: 20, logEvery: 1 } });
      const engine = await gpu();
      const counts: (typeof engine.transfers)[] = [];
      const task = await smallDitTask(data);
      const batchBytes: number[] = [];
      const recorder = new (class extends Recorder {
        override stepped: Recorder["stepped"] = (step) => {
          this.steps.push(step);
          counts.push(engine.transfers);
        };
      })();
      const draw = task.draw.bind(task);
      task.draw = (at) => {
        const drawn = draw(at);
        const sizes = Object.values(drawn.arrangement.signature).map(({ shape }) => shape.reduce((a, b) => a * b, 4));
        batchBytes.push(sizes.reduce((a, b) => a + b, 0));
        return drawn;
      };
      await runLoop(engine, task, { train: { steps: 20, logEvery: 1 }, recorder });
      assertSameLosses(recorder, reference);
      // Loss and two sums of squares come back; seven scalars for decayed and for other parameters go in with the batch.
      const [down, scalars] = [3, 14];
      for (let step = 1; step < counts.length; step++) {
        const [now, before] = [counts[step], counts[step - 1]];
        assert(now !== undefined && before !== undefined);
        assert.equal(now.downloads - before.downloads, down);
        assert.equal(now.downloadedBytes - before.downloadedBytes, 4 * down);
        assert.equal(now.uploadedBytes - before.uploadedBytes, (batchBytes[step] ?? 0) + 4 * scalars);
      }
      await engine.dispose();
    });

    it("takes over a checkpoint of the processors, and gives one back", async function () {
      this.timeout(600_000);
      const whole = await runLoop(await onnx(), await smallDitTask(data), { train });
      for (const [first, second] of [
        [onnx, gpu],
        [gpu, onnx],
      ] as const) {
        const { recorder, names } = await changing(first, second);
        assertSameLosses(recorder, whole);
        assert.deepEqual(recorder.starts[1], { fromStep: 3, writtenOn: names[0] });
      }
    });
  });
});
