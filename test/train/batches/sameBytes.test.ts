import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Dataset } from "../../../src/data/dataset.ts";
import { BatchFeed } from "../../../src/train/batches/batchFeed.ts";
import { withAssembler } from "../../../src/train/batches/openAssembler.ts";
import type { Batch, Task } from "../../../src/train/task.ts";
import { scratchFolder } from "../../data/scratch.ts";
import { nextBatch, type SmallLatents, smallDitTask, smallLatents, smallVaeTask, smallWorld } from "../loopSetting.ts";

/** Enough for three epochs of 24 clips in every queue. */
const NUM_STEPS = 40;
const NUM_PARTS = 2;

describe("batches", function () {
  this.timeout(60_000);
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

  const stages: Readonly<Record<string, () => Task | Promise<Task>>> = {
    "of clips": () => smallVaeTask(dataset, "random"),
    "of augmented clips": () => {
      const augment = { flip: true, crops: [{ height: 8, width: 8 }] };
      return smallVaeTask(dataset, "random", 0, augment);
    },
    "of packs": () => smallDitTask(data),
  };

  for (const [stage, makeTask] of Object.entries(stages)) {
    it(`${stage} are the same to the bit with 0, 1 and 3 workers, over three epochs`, async () => {
      const expected: string[] = [];
      const task = await makeTask();
      const drawn = new Map<string, number>();
      for (let step = 1; step <= NUM_STEPS; step++) {
        for (let part = 0; part < NUM_PARTS; part++) {
          const batch = await nextBatch(task, step, part);
          expected.push(digest(batch));
          for (const { kind, epochs } of queuesOf(batch)) drawn.set(kind, epochs);
        }
      }
      assert.ok(drawn.size > 1, "clips of several grids");
      assert.ok(
        [...drawn.values()].every((epochs) => epochs >= 3),
        `epochs: ${JSON.stringify([...drawn])}`,
      );
      assert.equal(new Set(expected).size, expected.length, "no two batches are alike");
      for (const workers of [0, 1, 3]) {
        assert.deepEqual(await digests(await makeTask(), workers), expected, `${workers} workers`);
      }
    });
  }

  it("of a step stay as they are while later ones are assembled", async () => {
    const task = await smallDitTask(data);
    await withAssembler(task, { workers: 2, prefetch: 3 }, async (assembler) => {
      const feed = new BatchFeed({ task, assembler, fromStep: 0, numSteps: 12, numParts: 2, prefetch: 3 });
      for (let step = 1; step <= 12; step++) {
        const batches = await feed.next();
        const before = batches.map(digest);
        await new Promise((resolve) => setTimeout(resolve, 10));
        assert.deepEqual(batches.map(digest), before);
      }
      await feed.close();
    });
  });
});

async function digests(task: Task, workers: number): Promise<string[]> {
  const found: string[] = [];
  await withAssembler(task, { workers, prefetch: 2 }, async (assembler) => {
    const options = { task, assembler, fromStep: 0, numSteps: NUM_STEPS, numParts: NUM_PARTS, prefetch: 2 };
    const feed = new BatchFeed(options);
    for (let step = 1; step <= NUM_STEPS; step++) found.push(...(await feed.next()).map(digest));
    await feed.close();
  });
  return found;
}

/** Of everything that a batch is: arrangement, cursor, and each tensor's name, shape and bytes. */
function digest({ arrangement, inputs, numClips, numTokens, cursor }: Batch): string {
  const hash = createHash("sha256").update(JSON.stringify([arrangement.key, numClips, numTokens, cursor]));
  for (const [name, { shape, data }] of Object.entries(inputs)) {
    hash.update(JSON.stringify([name, shape]));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

function queuesOf({ cursor }: Batch): { kind: string; epochs: number }[] {
  const { queues } = cursor as { queues: { kind: string; clips: number; drawn: number }[] };
  return queues.map(({ kind, clips, drawn }) => ({ kind, epochs: drawn / clips }));
}
