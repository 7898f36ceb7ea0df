import type { RowStores, StoreRow } from "../../data/shards/rowStores.ts";

/** Reads rows, one at a time, into memory that is used again for each: it grows to the largest row. */
export class ScratchReader {
  private readonly stores: RowStores;
  private memory = new ArrayBuffer(0);

  constructor(stores: RowStores) {
    this.stores = stores;
  }

  /** The values of a row, at the beginning of their memory and valid until the next are read. @throws DamagedRow. */
  async read(row: StoreRow): Promise<Uint8Array> {
    const numBytes = this.stores.bytesOf(row);
    if (this.memory.byteLength < numBytes) this.memory = new ArrayBuffer(numBytes);
    const values = new Uint8Array(this.memory, 0, numBytes);
    await this.stores.readInto(row, values);
    return values;
  }
}
