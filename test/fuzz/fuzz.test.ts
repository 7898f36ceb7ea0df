import { rmSync } from "node:fs";
import { fuzzScratch } from "./scratchFolder.ts";
import { targets } from "./targets.ts";
import { tryTarget } from "./trial.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

describe("files from strangers, a slice of npm run test:fuzz", () => {
  let scratch = "";
  let watchdog: Watchdog;
  before(() => {
    scratch = fuzzScratch();
    watchdog = startWatchdog();
  });
  after(async () => {
    await watchdog.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  for (const [name, open] of Object.entries(targets)) {
    it(`${name}: accepted, or refused in one line, within bounds of time and memory`, async () => {
      const target = await open(scratch);
      try {
        await tryTarget(target, { runs: target.slice, seed: 1, watchdog });
      } finally {
        await target.close?.();
      }
    });
  }
});
