import { BatchFeed } from "../../train/batches/batchFeed.ts";
import type { LoaderConfig } from "../../train/batches/loaderConfig.ts";
import { withAssembler } from "../../train/batches/openAssembler.ts";
import type { Batch, Task } from "../../train/task.ts";
import { lineThrough } from "./lineThrough.ts";

const BYTES_PER_MB = 1e6;
/** Share of the steps before memory is looked at: threads start, buffers and the collector's heap find their size. */
const WARM_UP = 0.5;
/** Memory is averaged over so many stretches of steps: neighbouring readings tell much the same. */
const STRETCHES = 16;

export interface LoadingOptions {
  readonly loader: LoaderConfig;
  readonly numSteps: number;
  /** Batches of a step. */
  readonly numParts: number;
  /** Pause after each step, in place of the engine's work. */
  readonly stepMs: number;
  /** Told after each step. */
  onStep(done: number): void;
}

/** What loading gave, as `kinema data bench --json` prints it. */
export interface LoadingResult {
  readonly steps: number;
  readonly batches: number;
  readonly clips: number;
  /** From the asking for the first batch to its coming: starting threads, hashing the first shards. */
  readonly firstMs: number;
  /** Of the steps after the first. */
  readonly batchesPerSecond: number;
  readonly clipsPerSecond: number;
  /** Tensor bytes in units of 1e6. */
  readonly mbPerSecond: number;
  /** Share of the time after the first step that was spent waiting, in [0, 1]; about 1 without a pause. */
  readonly dataWait: number;
  /** Resident memory of the second half, in MB: mean, and slope with twice its standard error per 1,000 batches. */
  readonly rssMb: number;
  readonly rssSlope: number;
  readonly rssSlopeError: number;
}

/** Resident memory after so many batches. */
interface Reading {
  readonly batches: number;
  readonly mb: number;
}

/** Takes batches as a training loop does, copies them, and measures what that costs. */
export async function measureLoading(task: Task, options: LoadingOptions): Promise<LoadingResult> {
  const { loader, numSteps, numParts, stepMs, onStep } = options;
  const { prefetch } = loader;
  const rss: Reading[] = [];
  const sum = { clips: 0, bytes: 0, waitedMs: 0 };
  const began = performance.now();
  let first = began;
  await withAssembler(task, loader, async (assembler) => {
    const feed = new BatchFeed({ task, assembler, fromStep: 0, numSteps, numParts, prefetch });
    const bound = new BoundBuffers();
    try {
      for (let step = 1; step <= numSteps; step++) {
        const asked = performance.now();
        const batches = await feed.next();
        const came = performance.now();
        if (step === 1) first = came;
        else sum.waitedMs += came - asked;
        for (const batch of batches) {
          if (step > 1) sum.clips += batch.numClips;
          const bytes = bound.take(batch);
          if (step > 1) sum.bytes += bytes;
        }
        if (stepMs > 0) await new Promise((resolve) => setTimeout(resolve, stepMs));
        rss.push({ batches: step * numParts, mb: process.memoryUsage.rss() / BYTES_PER_MB });
        onStep(step);
      }
    } finally {
      await feed.close();
    }
  });
  const seconds = (performance.now() - first) / 1000;
  const settled = rss.slice(Math.floor(numSteps * WARM_UP));
  const { mean, slope, error } = lineThrough(stretches(settled));
  return {
    steps: numSteps,
    batches: numSteps * numParts,
    clips: sum.clips,
    firstMs: first - began,
    batchesPerSecond: ((numSteps - 1) * numParts) / seconds,
    clipsPerSecond: sum.clips / seconds,
    mbPerSecond: sum.bytes / BYTES_PER_MB / seconds,
    dataWait: sum.waitedMs / 1000 / seconds,
    rssMb: mean,
    rssSlope: 1000 * slope,
    rssSlopeError: 2000 * error,
  };
}

/** A buffer for each tensor of each arrangement, as the engine has them. */
class BoundBuffers {
  private readonly buffers = new Map<string, Uint8Array>();

  /** Copies a batch; returns its bytes. */
  take({ arrangement, inputs }: Batch): number {
    let total = 0;
    for (const [name, { data }] of Object.entries(inputs)) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      const key = `${arrangement.key} ${name}`;
      const buffer = this.buffers.get(key) ?? new Uint8Array(bytes.length);
      this.buffers.set(key, buffer);
      buffer.set(bytes);
      total += bytes.length;
    }
    return total;
  }
}

/** Means over consecutive stretches. */
function stretches(readings: readonly Reading[]): { x: number; y: number }[] {
  const size = Math.max(1, Math.floor(readings.length / STRETCHES));
  return Array.from({ length: Math.floor(readings.length / size) }, (_, i) => {
    const part = readings.slice(i * size, (i + 1) * size);
    const meanOf = (name: keyof Reading) => part.reduce((total, reading) => total + reading[name], 0) / part.length;
    return { x: meanOf("batches"), y: meanOf("mb") };
  });
}
