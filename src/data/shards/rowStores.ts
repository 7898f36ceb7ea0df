import { assert } from "../../base/errors.ts";
import { ShardReader, type StoredRow, type StoreSpec } from "./reader.ts";
import { rowBytes } from "./rows.ts";
import type { BadShard } from "./shardFiles.ts";

/** A row of one of several stores, as a plain value. */
export interface StoreRow extends StoredRow {
  /** Number of the store. */
  readonly store: number;
}

/** Several stores of rows, read by what a row says of its place: no index is held. */
export class RowStores {
  private readonly readers: readonly ShardReader[];

  constructor(readers: readonly ShardReader[]) {
    this.readers = readers;
  }

  /** Opens stores; no file is touched yet. @param onBadShard told of a shard that is not as listed, and of its store. */
  static open(specs: readonly StoreSpec[], onBadShard?: (store: number, shard: BadShard) => void): RowStores {
    const none = { entries: [], places: [] };
    return new RowStores(
      specs.map((spec, store) => new ShardReader(spec, none, { onBadShard: (shard) => onBadShard?.(store, shard) })),
    );
  }

  get specs(): readonly StoreSpec[] {
    return this.readers.map(({ spec }) => spec);
  }

  /** The values of a row, in memory of their own. @throws DamagedRow. */
  values(row: StoreRow): Promise<Uint8Array> {
    return this.reader(row).valuesOf(row);
  }

  /** Bytes of a row's values. */
  bytesOf(row: StoreRow): number {
    return rowBytes(this.reader(row).spec.kind, row.entry);
  }

  /** Reads a row's values into memory that may be shared and has just their size. @throws DamagedRow. */
  readInto(row: StoreRow, out: Uint8Array): Promise<void> {
    return this.reader(row).readInto(row, out);
  }

  /** Hands on that a shard was found bad by another reader of the same store. */
  noteBadShard(store: number, shard: BadShard): void {
    this.readers[store]?.noteBadShard(shard);
  }

  async close(): Promise<void> {
    await Promise.all(this.readers.map((reader) => reader.close()));
  }

  private reader({ store }: StoreRow): ShardReader {
    const reader = this.readers[store];
    assert(reader !== undefined, `store ${store} of ${this.readers.length}`);
    return reader;
  }
}
