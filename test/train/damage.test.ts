import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wholeClips } from "../../src/data/clips.ts";
import { createDataset, type Dataset, openDataset } from "../../src/data/dataset.ts";
import { type LatentSet, openLatents } from "../../src/data/latents.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { withAssembler } from "../../src/train/batches/openAssembler.ts";
import { latentStatistics } from "../../src/train/latentStatistics.ts";
import { scratchFolder } from "../data/scratch.ts";
import {
  MemoryStore,
  randomCodec,
  runLoop,
  type SmallLatents,
  smallDitTask,
  smallLatents,
  smallVaeTask,
  smallWorld,
} from "./loopSetting.ts";

const SPOILT = 5;
const train = { steps: 16, accumulate: 2, logEvery: 1 };

/** Flips a bit of a clip's values. */
function spoil({ dir, shards }: Dataset | LatentSet, index: number): void {
  const { shard, offset } = shards.row(index).place;
  const file = join(dir, `shard-${String(shard).padStart(5, "0")}.arrow`);
  const bytes = readFileSync(file);
  bytes[offset + 2] = (bytes[offset + 2] as number) ^ 16;
  writeFileSync(file, bytes);
}

describe("training with a damaged clip", function () {
  this.timeout(120_000);
  const folder = scratchFolder();
  let engine: Engine;
  let dataset: Dataset;
  let data: SmallLatents;
  before(async () => {
    engine = await createOnnxEngine({ threads: 1 });
    dataset = await smallWorld(folder());
    data = await smallLatents(dataset);
    spoil(data.latents, SPOILT);
    spoil(dataset, SPOILT);
  });
  after(async () => {
    await data.latents.close();
    await dataset.close();
    await engine.dispose();
  });

  const tasks = {
    clips: async (told: string[]) => {
      const clips = await openDataset(dataset.dir, { tell: (line) => told.push(line) });
      return { store: clips, task: smallVaeTask(clips, "random") };
    },
    packs: async (told: string[]) => {
      const latents = await openLatents(data.latents.dir, { tell: (line) => told.push(line) });
      return { store: latents, task: await smallDitTask({ ...data, latents }) };
    },
  };

  for (const [name, open] of Object.entries(tasks)) {
    it(`puts another in its place among ${name}; stopped, resumed and with threads it is the same run`, async () => {
      const told: string[] = [];
      const straight = await open(told);
      const expected = await runLoop(engine, straight.task, { train });
      assert.equal(told.length, 2);
      assert.match(told[0] ?? "", /shard-00000\.arrow: expected sha256/);
      assert.match(
        told[1] ?? "",
        RegExp(`shard-00000\\.arrow: clip ${SPOILT} \\(.*its checksum differs; it is left out`),
      );
      assert.deepEqual(expected.leftOut, []);
      await straight.store.close();

      // Whole clips give the same numbers until the damaged one is drawn, and others from then on.
      const checkpoints = new MemoryStore();
      const first = await open([]);
      const before = await runLoop(engine, first.task, { train, stopAfter: 9, store: checkpoints });
      await first.store.close();
      const second = await open([]);
      const after = await runLoop(engine, second.task, { train, store: checkpoints });
      await second.store.close();
      assert.deepEqual([...before.figures, ...after.figures], expected.figures);

      const threaded = await open([]);
      const withThreads = await withAssembler(threaded.task, { workers: 2, prefetch: 2 }, (assembler) =>
        runLoop(engine, threaded.task, { train, assembler }),
      );
      await threaded.store.close();
      assert.deepEqual(withThreads.figures, expected.figures);
    });
  }

  it("makes no start of it, but of the others the same as without it", async () => {
    const told: string[] = [];
    const clips = await openDataset(dataset.dir, { tell: (line) => told.push(line) });
    const rest = join(folder(), "rest");
    await createDataset(rest, { made: { command: "test", options: {} } }, async (out) => {
      for await (const { entry, frames_THWC } of wholeClips(clips, clips.entries)) out.add({ ...entry, frames_THWC });
    });
    const others = await openDataset(rest);
    assert.equal(others.entries.length, clips.entries.length - 1);
    const codec = randomCodec(engine);
    assert.deepEqual(await latentStatistics(codec, clips, 0), await latentStatistics(codec, others, 0));
    assert.ok(Object.keys(await smallVaeTask(clips, "pca").startingValues()).length > 0);
    assert.equal(told.length, 2);
    await codec.dispose();
    await clips.close();
    await others.close();
  });
});
