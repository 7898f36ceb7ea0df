/**
 * Tries the readers of files that may come from strangers with files that are wrong:
 *
 *     npm run test:fuzz -- [--target safetensors] [--runs 1000] [--seed 1]
 */
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { fuzzScratch } from "./scratchFolder.ts";
import { targets } from "./targets.ts";
import { trialLine, tryTarget } from "./trial.ts";
import { startWatchdog } from "./watchdog.ts";

const { values } = parseArgs({
  options: { target: { type: "string", multiple: true }, runs: { type: "string" }, seed: { type: "string" } },
});
const names = values.target ?? Object.keys(targets);
const seed = Number(values.seed ?? 1);
const scratch = fuzzScratch();
const watchdog = startWatchdog();
let numFailed = 0;
try {
  for (const name of names) {
    const open = targets[name];
    if (open === undefined) throw new Error(`no target ${name}; there are ${Object.keys(targets).join(", ")}`);
    const target = await open(scratch);
    try {
      const runs = values.runs === undefined ? target.runs : Number(values.runs);
      console.log(trialLine(name, await tryTarget(target, { runs, seed, watchdog })));
    } catch (error) {
      numFailed += 1;
      console.log(`${name}: FAILED\n${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await target.close?.();
    }
  }
} finally {
  await watchdog.stop();
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = numFailed > 0 ? 1 : 0;
