/** A process for a test to kill: saves a run's next steps, one after the other, and tells when the first is done. */
import { removeLeftovers } from "../../src/base/files.ts";
import { saveCheckpoint } from "../../src/train/checkpoint.ts";
import { contentOf } from "./checkpointContent.ts";

const [run = "", last = "0"] = process.argv.slice(2);
await removeLeftovers(`${run}/checkpoints`);
for (let step = Number(last) + 1; ; step += 1) {
  await saveCheckpoint(run, contentOf(step));
  process.stdout.write(`${step}\n`);
}
