/**
 * A table of a FlatBuffer, read with every offset checked: the metadata of Arrow files is made of such tables, and the
 * library that reads them believes what they say. Source: FlatBuffers internals, "Tables" and "Vectors".
 */
export class FlatTable {
  private readonly view: DataView;
  private readonly at: number;
  private readonly vtable: number;
  private readonly vtableBytes: number;
  private readonly tableBytes: number;

  /** @param at where the table begins. @throws RangeError when it does not lie within the bytes. */
  constructor(view: DataView, at: number) {
    this.view = view;
    this.at = at;
    this.vtable = at - view.getInt32(at, true);
    this.vtableBytes = view.getUint16(this.vtable, true);
    this.tableBytes = view.getUint16(this.vtable + 2, true);
    // Readers differ in what they take half an entry for, and whether these numbers have signs.
    demand(this.vtableBytes % 2 === 0 && this.vtableBytes < 2 ** 15 && this.tableBytes < 2 ** 15);
    demand(this.vtableBytes >= 4 && this.vtable + this.vtableBytes <= view.byteLength);
    demand(at + this.tableBytes <= view.byteLength);
  }

  /** The table at the root of a buffer. */
  static root(view: DataView): FlatTable {
    return new FlatTable(view, view.getUint32(0, true));
  }

  has(slot: number): boolean {
    return this.field(slot) !== undefined;
  }

  byte(slot: number): number {
    const at = this.field(slot);
    return at === undefined ? 0 : this.view.getUint8(at);
  }

  /** A 64-bit number. @throws RangeError when it is negative or not exact. */
  count(slot: number): number {
    const at = this.field(slot);
    return at === undefined ? 0 : exact(this.view.getBigInt64(at, true));
  }

  table(slot: number): FlatTable | undefined {
    const at = this.field(slot);
    return at === undefined ? undefined : new FlatTable(this.view, at + this.view.getUint32(at, true));
  }

  /** A list of tables. */
  tables(slot: number): FlatTable[] {
    return this.places(slot, 4).map((at) => new FlatTable(this.view, at + this.view.getUint32(at, true)));
  }

  /** A list of structures of `bytes` bytes, of which the 64-bit numbers at `offsets` are read. */
  structures(slot: number, bytes: number, offsets: readonly number[]): number[][] {
    return this.places(slot, bytes).map((at) =>
      offsets.map((offset) => exact(this.view.getBigInt64(at + offset, true))),
    );
  }

  /** Length of a list or text whose items have `bytes` bytes. */
  length(slot: number, bytes: number): number {
    return this.places(slot, bytes).length;
  }

  private places(slot: number, bytes: number): number[] {
    const at = this.field(slot);
    if (at === undefined) return [];
    const start = at + this.view.getUint32(at, true);
    const length = this.view.getUint32(start, true);
    demand(start + 4 + length * bytes <= this.view.byteLength);
    return Array.from({ length }, (_, i) => start + 4 + i * bytes);
  }

  private field(slot: number): number | undefined {
    const entry = 4 + 2 * slot;
    const offset = entry + 2 > this.vtableBytes ? 0 : this.view.getUint16(this.vtable + entry, true);
    demand(offset < this.tableBytes || offset === 0);
    return offset === 0 ? undefined : this.at + offset;
  }
}

function exact(value: bigint): number {
  demand(value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER));
  return Number(value);
}

function demand(holds: boolean): asserts holds {
  if (!holds) throw new RangeError("an offset or length that leads out of the file");
}
