import { assert } from "../../base/errors.ts";
import { ShardReader, type StoredRow, type StoreSpec } from "./reader.ts";

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

  /** Opens stores; no file is touched yet. @param cacheBytes memory for record batches, of all stores together. */
  static open(specs: readonly StoreSpec[], cacheBytes: number): RowStores {
    const none = { entries: [], places: [] };
    return new RowStores(specs.map((spec) => new ShardReader(spec.dir, spec, none, cacheBytes / specs.length)));
  }

  get specs(): readonly StoreSpec[] {
    return this.readers.map(({ spec }) => spec);
  }

  /** The values of a row, as a view of memory shared with other rows: do not write to it. */
  values(row: StoreRow): Promise<Uint8Array> {
    const reader = this.readers[row.store];
    assert(reader !== undefined, `store ${row.store} of ${this.readers.length}`);
    return reader.valuesOf(row);
  }

  async close(): Promise<void> {
    await Promise.all(this.readers.map((reader) => reader.close()));
  }
}
