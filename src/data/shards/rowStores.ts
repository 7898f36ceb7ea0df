import { assert } from "../../base/errors.ts";
import { type ReadOptions, ShardReader, type StoredRow, type StoreSpec } from "./reader.ts";

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

  /** Opens stores; no file is touched yet. */
  static open(specs: readonly StoreSpec[], options: ReadOptions = {}): RowStores {
    const none = { entries: [], places: [] };
    return new RowStores(specs.map((spec) => new ShardReader(spec, none, options)));
  }

  get specs(): readonly StoreSpec[] {
    return this.readers.map(({ spec }) => spec);
  }

  /** The values of a row, in memory of their own. @throws DamagedRow. */
  values(row: StoreRow): Promise<Uint8Array> {
    return this.reader(row).valuesOf(row);
  }

  /** Reads a row's values into memory that may be shared and has just their size. @throws DamagedRow. */
  readInto(row: StoreRow, out: Uint8Array): Promise<void> {
    return this.reader(row).readInto(row, out);
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
