import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { type RecordBatch, RecordBatchFileWriter } from "apache-arrow";
import { assert } from "../../base/errors.ts";
import type { FileSeal } from "../../base/hash.ts";

/**
 * Writes one Arrow IPC file straight to a file descriptor. apache-arrow's own sinks keep every batch in memory until
 * somebody reads them; here a batch is on its way to disk when `write` returns. The hash is taken of what was meant to
 * be written, so a fault of the disk shows when the file is read.
 */
export class ArrowFileWriter extends RecordBatchFileWriter {
  private readonly fd: number;
  private readonly hash = createHash("sha256");
  private bytes = 0;
  private sought: ArrayBufferLike | undefined;
  private foundAt = -1;

  /** @throws when the file exists. */
  constructor(file: string) {
    super();
    this.fd = openSync(file, "wx");
  }

  override write(batch: RecordBatch): void {
    super.write(batch);
  }

  /** Writes a batch; gives the place in the file of `values`, a buffer that one of its columns holds from its start. */
  writeWith(batch: RecordBatch, values: Uint8Array): number {
    this.sought = values.buffer;
    this.foundAt = -1;
    super.write(batch);
    this.sought = undefined;
    assert(this.foundAt >= 0, "the values were written as they are");
    return this.foundAt;
  }

  /** Writes the footer and closes the file. */
  seal(): FileSeal {
    try {
      super.close();
    } finally {
      closeSync(this.fd);
    }
    return { bytes: this.bytes, sha256: this.hash.digest("hex") };
  }

  /** Closes the file as it is. */
  discard(): void {
    closeSync(this.fd);
  }

  protected override _write(chunk: ArrayBufferView): this {
    if (!this._started) return this;
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (chunk.buffer === this.sought && chunk.byteOffset === 0) this.foundAt = this.bytes;
    for (let done = 0; done < bytes.length; ) done += writeSync(this.fd, bytes, done);
    this.hash.update(bytes);
    this.bytes += bytes.length;
    this._position += bytes.length;
    return this;
  }
}
