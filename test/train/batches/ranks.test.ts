import assert from "node:assert/strict";
import type { Dataset } from "../../../src/data/dataset.ts";
import type { Rank } from "../../../src/data/loader/globalOrder.ts";
import type { DrawnBatch, Task } from "../../../src/train/task.ts";
import { scratchFolder } from "../../data/scratch.ts";
import { type SmallLatents, smallDitTask, smallLatents, smallVaeTask, smallWorld } from "../loopSetting.ts";

/** Batches of a step, over all ranks; enough steps for three epochs of 24 clips. */
const PER_STEP = 4;
const NUM_STEPS = 24;

describe("batches of several ranks", function () {
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

  const stages: Readonly<Record<string, (rank: Rank) => Promise<Task>>> = {
    "of clips": async (rank) => smallVaeTask(dataset, "random", 0, {}, rank),
    "of packs": (rank) => smallDitTask(data, { rank }),
  };

  for (const [stage, makeTask] of Object.entries(stages)) {
    it(`${stage} are together those of one, noise and all, over three epochs and a change of their number`, async () => {
      const alone = stepsOf(await ranksOf(makeTask, 1), 1, NUM_STEPS);
      assert.ok((alone.at(-1)?.at(-1)?.epochs.epoch ?? 0) > 3);
      for (const numRanks of [2, 4]) {
        assert.deepEqual(ordersOf(stepsOf(await ranksOf(makeTask, numRanks), 1, NUM_STEPS)), ordersOf(alone));
      }
      const stop = 7;
      const cursor: unknown = JSON.parse(JSON.stringify(alone[stop - 1]?.at(-1)?.cursor));
      for (const numRanks of [1, 2, 4]) {
        const resumed = await ranksOf(makeTask, numRanks);
        for (const task of resumed) task.seek(cursor as DrawnBatch["cursor"]);
        assert.deepEqual(ordersOf(stepsOf(resumed, stop + 1, NUM_STEPS)), ordersOf(alone.slice(stop)));
      }
    });
  }
});

function ranksOf(makeTask: (rank: Rank) => Promise<Task>, numRanks: number): Promise<Task[]> {
  return Promise.all(Array.from({ length: numRanks }, (_, rank) => makeTask({ rank, numRanks })));
}

/** Batches of all ranks by step, in the order of their parts. After each step every rank stands at the same place. */
function stepsOf(ranks: readonly Task[], first: number, last: number): DrawnBatch[][] {
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const drawn = ranks.map((task) =>
      Array.from({ length: PER_STEP / ranks.length }, (_, part) => task.draw({ step: first + i, part })),
    );
    for (const own of drawn) assert.deepEqual(own.at(-1)?.cursor, drawn[0]?.at(-1)?.cursor);
    return drawn.flat().sort((a, b) => a.order.part - b.order.part);
  });
}

function ordersOf(steps: readonly (readonly DrawnBatch[])[]) {
  return steps.map((batches) => batches.map(({ order, arrangement }) => ({ order, key: arrangement.key })));
}
