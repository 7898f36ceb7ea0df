import { extname } from "node:path";
import type { ResourceLimits, Worker } from "node:worker_threads";
import { fromRecord } from "../../base/errorRecord.ts";
import { assert, UserError } from "../../base/errors.ts";
import { startThread } from "../../base/thread.ts";
import { DamagedRow } from "../../data/shards/damagedRow.ts";
import type { BadShard } from "../../data/shards/shardFiles.ts";
import type { HostMap } from "../../engine/engine.ts";
import type { OpenAssembler } from "./assembler.ts";
import type { BatchOrder } from "./order.ts";
import type { ThreadMessage, ThreadRequest, ThreadSettings } from "./threadMessages.ts";

const threadFile = new URL(`./assemblyThread${extname(import.meta.url)}`, import.meta.url);

export interface ThreadsOptions {
  readonly count: number;
  readonly settings: ThreadSettings;
  /** Told of a shard that is not as it is listed, by each thread that meets it. */
  onBadShard(store: number, shard: BadShard): void;
  /** What a thread runs; another file in tests. */
  readonly file?: URL;
  readonly resourceLimits?: ResourceLimits;
}

interface Job {
  readonly request: ThreadRequest;
  resolve(): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  job: Job | undefined;
}

/** Assembles batches in worker threads, in the order of the asking as far as threads are free. */
export class AssemblyThreads implements OpenAssembler {
  private readonly options: ThreadsOptions;
  private readonly threads: readonly Thread[];
  private readonly waiting: Job[] = [];
  /** Why no more batches are assembled. */
  private end: Error | undefined;

  constructor(options: ThreadsOptions) {
    const { count, settings, file = threadFile, resourceLimits } = options;
    this.options = options;
    this.threads = Array.from({ length: count }, (_, i) => {
      const worker = startThread(file, {
        name: `assembler ${i + 1}`,
        workerData: settings,
        ...(resourceLimits && { resourceLimits }),
      });
      const thread: Thread = { worker, job: undefined };
      worker.on("message", (message: ThreadMessage) => this.receive(thread, message));
      worker.on("error", (error) => this.fail(ended(error.message)));
      worker.on("exit", (code) => this.fail(ended(`exit code ${code}`)));
      return thread;
    });
  }

  /** @param tensors in shared memory. */
  fill(order: BatchOrder, tensors: HostMap): Promise<void> {
    const { end } = this;
    if (end !== undefined) return Promise.reject(end);
    return new Promise((resolve, reject) => {
      this.waiting.push({ request: { order, tensors }, resolve, reject });
      this.next();
    });
  }

  /** Ends the threads; what is under way is given up. */
  async close(): Promise<void> {
    this.fail(new Error("the assembling threads were closed"));
    await Promise.all(this.threads.map(({ worker }) => worker.terminate()));
  }

  private next(): void {
    for (const thread of this.threads) {
      if (thread.job !== undefined) continue;
      const job = this.waiting.shift();
      if (job === undefined) return;
      thread.job = job;
      thread.worker.postMessage(job.request);
    }
  }

  private receive(thread: Thread, message: ThreadMessage): void {
    if (message.kind === "bad shard") {
      this.options.onBadShard(message.store, message.shard);
      return;
    }
    const { job } = thread;
    assert(job !== undefined, "a thread answers what it was asked");
    thread.job = undefined;
    if (message.kind === "done") job.resolve();
    else if (message.kind === "failed") job.reject(fromRecord(message.error));
    else job.reject(new DamagedRow(message.dir, message.entry, message.file, message.reason));
    this.next();
  }

  private fail(error: Error): void {
    if (this.end !== undefined) return;
    this.end = error;
    for (const { job } of this.threads) job?.reject(error);
    for (const job of this.waiting) job.reject(error);
    this.waiting.length = 0;
  }
}

function ended(how: string): UserError {
  return new UserError("loader.workers", {
    expected: "threads that assemble batches to the end",
    got: `one that ended early (${how})`,
    try: "fewer loader.workers; with 0 the main thread assembles",
  });
}
