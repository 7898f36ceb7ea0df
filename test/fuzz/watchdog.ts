import { writeSync } from "node:fs";
import { isMainThread, workerData } from "node:worker_threads";
import { startThread } from "../../src/base/thread.ts";

/** Ends the process when an input keeps the main thread busy for ever: such a hang cannot be interrupted otherwise. */
export interface Watchdog {
  /** An input of this target begins. */
  beat(target: string): void;
  stop(): Promise<void>;
}

const limitMs = 60_000;
const lookMs = 1000;
const nameBytes = 64;

/** Starts the watch in a thread of its own. */
export function startWatchdog(): Watchdog {
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT + nameBytes);
  const beats = new Int32Array(shared, 0, 1);
  const name = new Uint8Array(shared, Int32Array.BYTES_PER_ELEMENT);
  const worker = startThread(new URL(import.meta.url), { workerData: shared });
  worker.unref();
  let last = "";
  return {
    beat(target) {
      if (target !== last) name.fill(0).set(Buffer.from(target).subarray(0, nameBytes));
      last = target;
      Atomics.add(beats, 0, 1);
    },
    async stop() {
      await worker.terminate();
    },
  };
}

function watch(shared: SharedArrayBuffer): void {
  const beats = new Int32Array(shared, 0, 1);
  let [seen, since] = [0, performance.now()];
  setInterval(() => {
    const now = Atomics.load(beats, 0);
    if (now !== seen || now === 0) [seen, since] = [now, performance.now()];
    if (performance.now() - since < limitMs) return;
    const name = Buffer.from(Buffer.from(shared, Int32Array.BYTES_PER_ELEMENT)).toString().replaceAll("\0", "");
    writeSync(2, `${name}: input ${now} hangs\n`);
    process.kill(process.pid, "SIGKILL");
  }, lookMs);
}

if (!isMainThread && workerData instanceof SharedArrayBuffer) watch(workerData);
