import type { RecordBatch } from "apache-arrow";
import { assert, UserError } from "../../base/errors.ts";
import { type CheckedFile, openChecked } from "./checkedFile.ts";
import { type ContentKind, type RowEntry, type RowPlace, readIndex, rowValues } from "./rows.ts";
import type { ShardFile } from "./writer.ts";

/** Bytes of record batches kept for the next read. */
const CACHE_BYTES = 256 * 2 ** 20;

/** Shards as the manifest lists them. */
export interface Shards {
  readonly kind: ContentKind;
  readonly shards: readonly ShardFile[];
}

/** What `openShards` opens. */
export interface ShardSet extends Shards {
  readonly index: ShardFile;
}

/** Shards in a folder, as a plain value: enough to read rows whose places are known. */
export interface StoreSpec extends Shards {
  readonly dir: string;
}

/** A row and where it lies. */
export interface StoredRow {
  readonly entry: RowEntry;
  readonly place: RowPlace;
}

/**
 * Random access to the rows of a shard set. A shard is opened and hashed when one of its rows is first read; the record
 * batches read last are kept. Safe to call concurrently.
 */
export class ShardReader {
  readonly entries: readonly RowEntry[];
  private readonly dir: string;
  private readonly set: Shards;
  private readonly places: readonly RowPlace[];
  private readonly files = new Map<number, Promise<CheckedFile>>();
  /** By `shard/batch`, least recently used first. */
  private readonly batches = new Map<string, Promise<RecordBatch>>();
  private readonly batchBytes = new Map<string, number>();
  private readonly cacheBytes: number;
  /** Reads of one shard wait for each other: apache-arrow seeks and reads on one position. */
  private readonly turns = new Map<number, Promise<unknown>>();

  constructor(
    dir: string,
    set: Shards,
    rows: { readonly entries: readonly RowEntry[]; readonly places: readonly RowPlace[] },
    cacheBytes = CACHE_BYTES,
  ) {
    this.dir = dir;
    this.set = set;
    this.entries = rows.entries;
    this.places = rows.places;
    this.cacheBytes = cacheBytes;
  }

  /** The values of a row, as a view of memory shared with other rows: do not write to it. */
  values(index: number): Promise<Uint8Array> {
    return this.valuesOf(this.row(index));
  }

  row(index: number): StoredRow {
    const entry = this.entries[index];
    const place = this.places[index];
    assert(entry !== undefined && place !== undefined, `clip ${index} of ${this.entries.length}`);
    return { entry, place };
  }

  get spec(): StoreSpec {
    return { dir: this.dir, kind: this.set.kind, shards: this.set.shards };
  }

  /** Like `values`, of a row that need not be in this reader's index. */
  async valuesOf({ entry, place }: StoredRow): Promise<Uint8Array> {
    const batch = await this.batch(place);
    return rowValues(`${this.dir} shard ${place.shard}`, this.set.kind, batch, place.row, entry);
  }

  async close(): Promise<void> {
    const files = [...this.files.values()];
    this.files.clear();
    this.batches.clear();
    await Promise.all(this.turns.values());
    for (const file of await Promise.allSettled(files)) if (file.status === "fulfilled") await file.value.close();
  }

  private batch({ shard, batch }: RowPlace): Promise<RecordBatch> {
    const key = `${shard}/${batch}`;
    const known = this.batches.get(key);
    if (known !== undefined) {
      this.batches.delete(key);
      this.batches.set(key, known);
      return known;
    }
    const read = this.inTurn(shard, () => this.readBatch(shard, batch));
    this.batches.set(key, read);
    read.then(
      (loaded) => this.keep(key, loaded),
      () => this.batches.delete(key),
    );
    return read;
  }

  private keep(key: string, batch: RecordBatch): void {
    this.batchBytes.set(key, batch.data.byteLength);
    let total = 0;
    for (const kept of [...this.batches.keys()].reverse()) {
      total += this.batchBytes.get(kept) ?? 0;
      if (total > this.cacheBytes && kept !== key) this.batches.delete(kept);
    }
  }

  private inTurn<T>(shard: number, read: () => Promise<T>): Promise<T> {
    const turn = (this.turns.get(shard) ?? Promise.resolve()).then(read);
    this.turns.set(
      shard,
      turn.catch(() => undefined),
    );
    return turn;
  }

  private async readBatch(shard: number, number: number): Promise<RecordBatch> {
    const listed = this.set.shards[shard];
    if (listed === undefined) {
      throw new UserError(this.dir, { expected: `shard ${shard}`, got: `${this.set.shards.length} shards` });
    }
    const opening = this.files.get(shard) ?? openChecked(this.dir, listed);
    this.files.set(shard, opening);
    const { path, reader } = await opening;
    const batch = await reader.readRecordBatch(number);
    if (batch === null) throw new UserError(path, { expected: `record batch ${number}`, got: "none" });
    return batch;
  }
}

/** Opens a shard set by its index; no shard is touched yet. @throws UserError when the index is not whole. */
export async function openShards(dir: string, set: ShardSet, cacheBytes?: number): Promise<ShardReader> {
  const index = await openChecked(dir, set.index);
  try {
    const batch = await index.reader.readRecordBatch(0);
    if (batch === null) throw new UserError(index.path, { expected: "one record batch", got: "none" });
    const rows = readIndex(index.path, batch);
    if (rows.entries.length !== set.index.clips) {
      throw new UserError(index.path, { expected: `${set.index.clips} clips`, got: `${rows.entries.length}` });
    }
    return new ShardReader(dir, set, rows, cacheBytes);
  } finally {
    await index.close();
  }
}
