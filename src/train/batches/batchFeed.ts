import { createHash } from "node:crypto";
import type { HostTensor } from "../../base/tensors.ts";
import { DamagedRow } from "../../data/shards/damagedRow.ts";
import type { Batch, DrawnBatch, Task } from "../task.ts";
import type { Assembler } from "./assembler.ts";
import { BatchBuffers, type SharedBatch } from "./batchBuffers.ts";

export interface FeedOptions {
  readonly task: Pick<Task, "draw" | "note">;
  readonly assembler: Assembler;
  /** Steps that are done, and steps in all. */
  readonly fromStep: number;
  readonly numSteps: number;
  /** Batches of a step. */
  readonly numParts: number;
  /** Steps whose batches are assembled ahead of the one that is asked for. */
  readonly prefetch: number;
}

/** A batch on its way. */
interface Pending {
  readonly drawn: DrawnBatch;
  readonly shared: SharedBatch;
  readonly filled: Promise<void>;
}

/**
 * The batches of each step in order, drawn and assembled ahead. A batch that was drawn and not used leaves no trace: the
 * cursor that counts is that of the last batch handed out. Memory: batches of `prefetch` + 1 steps.
 */
export class BatchFeed {
  private readonly options: FeedOptions;
  private readonly buffers: BatchBuffers;
  private readonly ahead: Pending[] = [];
  private inUse: readonly Pending[] = [];
  private lastDrawn: number;

  constructor(options: FeedOptions) {
    this.options = options;
    this.buffers = new BatchBuffers((options.prefetch + 1) * options.numParts);
    this.lastDrawn = options.fromStep;
  }

  /**
   * The batches of the next step, valid until the next call.
   * @throws whatever assembling one of them threw; later steps' failures wait for their turn.
   */
  async next(): Promise<Batch[]> {
    const { numParts } = this.options;
    for (const { shared } of this.inUse) this.buffers.giveBack(shared);
    this.inUse = [];
    this.drawAhead();
    this.inUse = this.ahead.splice(0, numParts);
    const batches: Batch[] = [];
    for (const { drawn, shared, filled } of this.inUse) {
      await filled;
      const { order: _, redrawn: _redrawn, ...batch } = drawn;
      batches.push({ ...batch, inputs: shared.tensors });
    }
    return batches;
  }

  /**
   * Digest of the batches that `next` will give; null when there are none, or when assembling them failed, which `next`
   * will tell. A run that resumes compares it: other data or other code that makes batches would make other numbers.
   */
  async digestOfNext(): Promise<string | null> {
    const coming = this.ahead.slice(0, this.options.numParts);
    if (coming.length === 0) return null;
    const filled = await Promise.allSettled(coming.map(({ filled }) => filled));
    if (filled.some(({ status }) => status === "rejected")) return null;
    return digestOf(coming.map(({ drawn, shared }) => ({ ...drawn, inputs: shared.tensors })));
  }

  /** Waits for what is on its way: it must not outlive the data it reads. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.inUse, ...this.ahead].map(({ filled }) => filled));
  }

  private drawAhead(): void {
    const { task, numSteps, numParts, prefetch } = this.options;
    while (this.ahead.length < (prefetch + 1) * numParts && this.lastDrawn < numSteps) {
      this.lastDrawn++;
      for (let part = 0; part < numParts; part++) {
        const drawn = task.draw({ step: this.lastDrawn, part });
        const shared = this.buffers.take(drawn.arrangement.signature);
        const filled = this.fill(drawn, shared);
        filled.catch(() => undefined);
        this.ahead.push({ drawn, shared, filled });
      }
    }
  }

  /** Assembles a batch; where a clip of it is damaged, once more with another in its place. */
  private async fill(drawn: DrawnBatch, shared: SharedBatch): Promise<void> {
    const { assembler, task } = this.options;
    try {
      await assembler.fill(drawn.order, shared.tensors);
    } catch (error) {
      if (!(error instanceof DamagedRow)) throw error;
      task.note(error);
      await this.fill(drawn.redrawn(), shared);
    }
  }
}

/** Digest of batches: the arrangement, and every tensor's name and bytes. 64 hex digits. */
export function digestOf(batches: readonly Pick<Batch, "arrangement" | "inputs">[]): string {
  const hash = createHash("sha256");
  for (const { arrangement, inputs } of batches) {
    hash.update(`${arrangement.key}\n`);
    for (const name of Object.keys(inputs).sort()) {
      const { data } = inputs[name] as HostTensor;
      hash.update(`${name} ${data.byteLength}\n`);
      hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  }
  return hash.digest("hex");
}
