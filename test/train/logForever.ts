/** A process for a test to kill: appends lines to a log from a step on, and acknowledges each. */
import { RunLog } from "../../src/train/runLog.ts";

const [path = "", from = "0"] = process.argv.slice(2);
const log = await RunLog.open(path, Number(from), (reason) => process.stderr.write(`${reason}\n`));
for (let step = Number(from) + 1; ; step++) {
  log.append({ step, loss: 1 / step, text: "x".repeat(step % 500) });
  process.stdout.write(`${step}\n`);
  if (step % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
}
