/** A process for a test to stop: asked once, it goes on working and says so. */
import { StopSignal } from "../../src/train/signals.ts";

const stop = new StopSignal();
stop.aborts.addEventListener("abort", () => process.stdout.write(`asked, ${stop.exitCode}\n`));
setInterval(() => undefined, 1000);
process.stdout.write("listens\n");
