/** A process for a test to kill: opens a run, says so, and holds it. */
import { openRun } from "../../src/train/runFolder.ts";

const [dir = ""] = process.argv.slice(2);
await openRun(dir, { configYaml: "", identity: {} });
process.stdout.write("open\n");
process.stdin.resume();
