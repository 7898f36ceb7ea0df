import { createHash } from "node:crypto";
import { join } from "node:path";
import { crc32c } from "@node-rs/crc32";
import { assert } from "../../base/errors.ts";
import type { FileSeal } from "../../base/hash.ts";
import { ArrowFileWriter } from "./fileWriter.ts";
import type { StoredRow } from "./reader.ts";
import {
  type ContentKind,
  indexBatch,
  type NewRow,
  NOWHERE,
  type RowEntry,
  type RowPlace,
  rowBytes,
  shardBatch,
} from "./rows.ts";

const MEBIBYTE = 2 ** 20;

/** Values in a record batch. */
const BATCH_BYTES = 16 * MEBIBYTE;
/**
 * Values in a shard: an eighth of what is stored already, within these limits. A build that is killed goes on from its
 * last whole shard, so little is lost however far it was, and large datasets still have few files.
 */
const SHARD_SHARE = 1 / 8;
const SHARD_BYTES = {
  pixels: { least: 8 * MEBIBYTE, most: 256 * MEBIBYTE },
  latents: { least: MEBIBYTE, most: 64 * MEBIBYTE },
} as const satisfies Record<ContentKind, object>;

export const INDEX_FILE = "index.arrow";

/** A file of the dataset and how to tell that it is whole. */
export interface ShardFile extends FileSeal {
  readonly file: string;
  readonly clips: number;
}

/** A shard that is on the disk, and all rows that were listed since the one before. */
export interface SealedShard {
  readonly shard: ShardFile;
  readonly rows: readonly StoredRow[];
}

/** What was written to a folder. */
export interface WrittenShards {
  readonly shards: readonly ShardFile[];
  readonly index: ShardFile;
  readonly fingerprint: string;
}

/** Limits that tests make small. */
export interface ShardLimits {
  readonly batchBytes?: number;
  readonly shardBytes?: number;
}

/**
 * sha256 over the content of all rows in order; names, paths and the split into shards do not enter. A clip's hash says
 * all of its pixels; latents need their checksums too, since one clip has others with each autoencoder.
 */
export function fingerprintOf(kind: ContentKind, entries: Iterable<Pick<RowEntry, "hash" | "crc32c">>): string {
  const fingerprint = createHash("sha256").update(`kinema ${kind} ${kind === "latents" ? 2 : 1}\n`);
  for (const { hash, crc32c } of entries) fingerprint.update(kind === "latents" ? `${hash} ${crc32c}\n` : hash);
  return fingerprint.digest("hex");
}

/** Writes rows to `shard-00000.arrow` ... in an existing folder, and the index beside them. Memory: one batch. */
export class ShardWriter {
  readonly kind: ContentKind;
  private readonly dir: string;
  private readonly batchBytes: number;
  private readonly shardBytes: { readonly least: number; readonly most: number };
  /** In the shards that are sealed. */
  private sealedBytes = 0;
  private readonly shards: ShardFile[] = [];
  private readonly rows: RowEntry[] = [];
  /** Of rows that are written. */
  private readonly places = new Map<number, RowPlace>();
  /** Rows that share the values of an earlier one. */
  private readonly repeats = new Map<number, number>();
  private sealedRows = 0;
  private pending: { readonly entry: RowEntry; readonly values: Uint8Array }[] = [];
  private pendingBytes = 0;
  private open: { readonly writer: ArrowFileWriter; bytes: number; clips: number } | undefined;

  constructor(dir: string, kind: ContentKind, limits: ShardLimits = {}) {
    this.dir = dir;
    this.kind = kind;
    const { batchBytes = BATCH_BYTES, shardBytes } = limits;
    this.batchBytes = batchBytes;
    this.shardBytes = shardBytes === undefined ? SHARD_BYTES[kind] : { least: shardBytes, most: shardBytes };
  }

  /** Rows so far. */
  get entries(): readonly RowEntry[] {
    return this.rows;
  }

  /** Rows up to the last sealed shard. */
  get numSealed(): number {
    return this.sealedRows;
  }

  /** Whether a row is listed without values. */
  isLost(index: number): boolean {
    return this.places.get(this.repeats.get(index) ?? index) === NOWHERE;
  }

  /** Shards that are sealed. */
  get numShards(): number {
    return this.shards.length;
  }

  /** Goes on after shards that an earlier writer sealed in this folder. */
  resume(sealed: Iterable<SealedShard>): void {
    assert(this.rows.length === 0, "a writer is resumed before its first row");
    for (const { shard, rows } of sealed) {
      this.shards.push(shard);
      this.sealedBytes += shard.bytes;
      for (const { entry, place } of rows) {
        this.places.set(this.rows.length, place.shard === NOWHERE.shard ? NOWHERE : place);
        this.rows.push(entry);
      }
    }
    this.sealedRows = this.rows.length;
  }

  /** Adds a row. `values` must not be changed before `close`. */
  add(row: NewRow, values: Uint8Array): void {
    assert(values.byteLength === rowBytes(this.kind, row), `values of ${row.source}`);
    const entry: RowEntry = { ...row, index: this.rows.length, crc32c: crc32c(values) };
    if (this.pendingBytes > 0 && this.pendingBytes + values.byteLength > this.batchBytes) this.flush();
    this.rows.push(entry);
    this.pending.push({ entry, values });
    this.pendingBytes += values.byteLength;
  }

  /** Adds a row with the values of an earlier one, which are stored once. */
  addRepeat(row: NewRow, of: number): void {
    const original = this.rows[of];
    assert(original !== undefined && original.hash === row.hash, `row ${of} has the content of ${row.source}`);
    this.repeats.set(this.rows.length, this.repeats.get(of) ?? of);
    this.rows.push({ ...row, index: this.rows.length, crc32c: original.crc32c });
  }

  /** Lists a row whose values cannot be had, so that the others keep their order. */
  addLost(row: NewRow): void {
    this.places.set(this.rows.length, NOWHERE);
    this.rows.push({ ...row, index: this.rows.length, crc32c: 0 });
  }

  /** Ends the shard if it is full, and tells what it holds: from here a writer can be resumed. */
  commit(): SealedShard | undefined {
    const { least, most } = this.shardBytes;
    const full = Math.min(most, Math.max(least, this.sealedBytes * SHARD_SHARE));
    if ((this.open?.bytes ?? 0) + this.pendingBytes < full) return undefined;
    return this.sealShard();
  }

  /** Writes what is left and the index. */
  close(): WrittenShards {
    this.sealShard();
    const index = new ArrowFileWriter(join(this.dir, INDEX_FILE));
    const places = this.rows.map((_, i) => this.placeOf(i));
    index.write(indexBatch(this.rows, places));
    return {
      shards: this.shards,
      index: { file: INDEX_FILE, clips: this.rows.length, ...index.seal() },
      fingerprint: fingerprintOf(this.kind, this.rows),
    };
  }

  /** Closes a file that a failed build left open. */
  release(): void {
    this.open?.writer.discard();
    this.open = undefined;
  }

  private flush(): void {
    if (this.pending.length === 0) return;
    this.open ??= { writer: new ArrowFileWriter(join(this.dir, this.shardName())), bytes: 0, clips: 0 };
    const { open } = this;
    const { joined, batch } = shardBatch(
      this.pending.map(({ entry }) => entry),
      this.pending.map(({ values }) => values),
    );
    let offset = open.writer.writeWith(batch, joined);
    for (const { entry, values } of this.pending) {
      this.places.set(entry.index, { shard: this.shards.length, offset });
      offset += values.byteLength;
    }
    open.bytes += this.pendingBytes;
    open.clips += this.pending.length;
    this.pending = [];
    this.pendingBytes = 0;
  }

  private sealShard(): SealedShard | undefined {
    this.flush();
    if (this.open === undefined) return undefined;
    const { writer, clips } = this.open;
    const file = this.shardName();
    this.open = undefined;
    const shard = { file, clips, ...writer.seal() };
    this.shards.push(shard);
    this.sealedBytes += shard.bytes;
    const rows = this.rows.slice(this.sealedRows).map((entry) => ({ entry, place: this.placeOf(entry.index) }));
    this.sealedRows = this.rows.length;
    return { shard, rows };
  }

  private placeOf(index: number): RowPlace {
    const place = this.places.get(this.repeats.get(index) ?? index);
    assert(place !== undefined, `row ${index} is written`);
    return place;
  }

  private shardName(): string {
    return `shard-${String(this.shards.length).padStart(5, "0")}.arrow`;
  }
}
