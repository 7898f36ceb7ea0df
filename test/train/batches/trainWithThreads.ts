/** A process for a test: it takes a few batches from threads, stops in the middle, and has to end by itself. */
import { openDataset } from "../../../src/data/dataset.ts";
import { BatchFeed } from "../../../src/train/batches/batchFeed.ts";
import { withAssembler } from "../../../src/train/batches/openAssembler.ts";
import { smallVaeTask } from "../loopSetting.ts";

const [dir = ""] = process.argv.slice(2);
const dataset = await openDataset(dir);
const task = smallVaeTask(dataset, "random");
await withAssembler(task, { workers: 2, prefetch: 4 }, async (assembler) => {
  const feed = new BatchFeed({ task, assembler, fromStep: 0, numSteps: 100, numParts: 1, prefetch: 4 });
  await feed.next();
  await feed.close();
});
await dataset.close();
process.stdout.write("done\n");
