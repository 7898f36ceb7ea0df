import { createHash, type Hash } from "node:crypto";
import { join } from "node:path";
import { assert } from "../../base/errors.ts";
import { ArrowFileWriter, type WrittenFile } from "./fileWriter.ts";
import { type ContentKind, indexBatch, type RowEntry, type RowPlace, rowBytes, shardBatch } from "./rows.ts";

const MEBIBYTE = 2 ** 20;
/** Values in a record batch: what one random read loads. */
const BATCH_BYTES = 16 * MEBIBYTE;
/** Values in a shard: what is hashed when one of its rows is first read. */
const SHARD_BYTES = 256 * MEBIBYTE;

export const INDEX_FILE = "index.arrow";

/** A file of the dataset and how to tell that it is whole. */
export interface ShardFile extends WrittenFile {
  readonly file: string;
  readonly clips: number;
}

/** What was written to a folder. */
export interface WrittenShards {
  readonly shards: readonly ShardFile[];
  readonly index: ShardFile;
  /** sha256 over every row's content in order; names, paths and the split into shards do not enter. */
  readonly fingerprint: string;
}

/** Limits that tests make small. */
export interface ShardLimits {
  readonly batchBytes?: number;
  readonly shardBytes?: number;
}

/** What every fingerprint starts with: kind and version of the content. */
export function fingerprintHead(kind: ContentKind): string {
  return `kinema ${kind} 1\n`;
}

/** Writes rows to `shard-00000.arrow` ... in an existing folder, and the index beside them. Memory: one batch. */
export class ShardWriter {
  readonly kind: ContentKind;
  private readonly dir: string;
  private readonly batchBytes: number;
  private readonly shardBytes: number;
  private readonly fingerprint: Hash;
  private readonly shards: ShardFile[] = [];
  private readonly entries: RowEntry[] = [];
  private readonly places: RowPlace[] = [];
  private pending: { readonly entry: RowEntry; readonly values: Uint8Array }[] = [];
  private pendingBytes = 0;
  private open: { readonly writer: ArrowFileWriter; bytes: number; batches: number; clips: number } | undefined;

  constructor(dir: string, kind: ContentKind, limits: ShardLimits = {}) {
    this.dir = dir;
    this.kind = kind;
    this.batchBytes = limits.batchBytes ?? BATCH_BYTES;
    this.shardBytes = limits.shardBytes ?? SHARD_BYTES;
    this.fingerprint = createHash("sha256").update(fingerprintHead(kind));
  }

  /** Number of rows so far. */
  get count(): number {
    return this.entries.length;
  }

  /** Adds a row. `values` must not be changed before `close`. */
  add(entry: Omit<RowEntry, "index">, values: Uint8Array): void {
    assert(values.byteLength === rowBytes(this.kind, entry), `values of ${entry.source}`);
    const row: RowEntry = { ...entry, index: this.entries.length };
    if (this.pendingBytes > 0 && this.pendingBytes + values.byteLength > this.batchBytes) this.flush();
    this.entries.push(row);
    this.pending.push({ entry: row, values });
    this.pendingBytes += values.byteLength;
    this.fingerprint.update(row.hash);
    if (this.kind === "latents") this.fingerprint.update(values);
  }

  /** Writes what is left and the index. */
  close(): WrittenShards {
    this.flush();
    this.sealShard();
    const index = new ArrowFileWriter(join(this.dir, INDEX_FILE));
    index.write(indexBatch(this.entries, this.places));
    return {
      shards: this.shards,
      index: { file: INDEX_FILE, clips: this.entries.length, ...index.seal() },
      fingerprint: this.fingerprint.digest("hex"),
    };
  }

  /** Closes a file that a failed build left open. */
  release(): void {
    this.open?.writer.discard();
    this.open = undefined;
  }

  private flush(): void {
    if (this.pending.length === 0) return;
    if (this.open !== undefined && this.open.bytes + this.pendingBytes > this.shardBytes) this.sealShard();
    this.open ??= { writer: new ArrowFileWriter(join(this.dir, this.shardName())), bytes: 0, batches: 0, clips: 0 };
    const { open } = this;
    open.writer.write(
      shardBatch(
        this.pending.map(({ entry }) => entry),
        this.pending.map(({ values }) => values),
      ),
    );
    this.pending.forEach((_, row) => {
      this.places.push({ shard: this.shards.length, batch: open.batches, row });
    });
    open.batches += 1;
    open.bytes += this.pendingBytes;
    open.clips += this.pending.length;
    this.pending = [];
    this.pendingBytes = 0;
  }

  private sealShard(): void {
    if (this.open === undefined) return;
    const { writer, clips } = this.open;
    const file = this.shardName();
    this.open = undefined;
    this.shards.push({ file, clips, ...writer.seal() });
  }

  private shardName(): string {
    return `shard-${String(this.shards.length).padStart(5, "0")}.arrow`;
  }
}
