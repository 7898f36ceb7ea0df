import assert from "node:assert/strict";
import { RecordBatch, RecordBatchReader, Table, tableFromArrays, tableToIPC } from "apache-arrow";
import { checkArrowFile } from "../../../src/data/shards/arrowLayout.ts";

const rows = 64;
const column = (start: number) => Int32Array.from({ length: rows }, (_, i) => start + i);

/** An Arrow file with two columns of 256 bytes, in two record batches alike. */
function twoBatches(): Uint8Array {
  const [batch] = tableFromArrays({ a: column(0), b: column(1000) }).batches;
  assert(batch instanceof RecordBatch);
  return tableToIPC(new Table([batch, batch]), "file");
}

/** Where two 64-bit numbers stand behind each other. */
function placesOf(bytes: Uint8Array, first: number, second: number): number[] {
  const pair = Buffer.from(new BigInt64Array([BigInt(first), BigInt(second)]).buffer);
  const places: number[] = [];
  for (let at = Buffer.from(bytes).indexOf(pair); at >= 0; at = Buffer.from(bytes).indexOf(pair, at + 1))
    places.push(at);
  return places;
}

function withNumber(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  new DataView(changed.buffer).setBigInt64(at, BigInt(value), true);
  return changed;
}

describe("checkArrowFile", () => {
  it("takes what apache-arrow writes", () => {
    assert.equal(checkArrowFile(twoBatches()), undefined);
  });

  it("refuses columns over each other, which apache-arrow reads: a file would become many times its size", () => {
    const whole = twoBatches();
    // The end of the first column's values and the start of the second's validity look alike; the second's values follow.
    const [, second] = placesOf(whole, 256, 256);
    assert(second !== undefined);
    const changed = withNumber(whole, second, 0);
    assert.equal([...RecordBatchReader.from(changed)][0]?.getChild("b")?.get(0), 0);
    assert.equal(checkArrowFile(changed), "a buffer at byte 0, over the one that ends at 256");
  });

  it("refuses half an entry in a table of offsets, which apache-arrow reads as a list and loops over for seconds", () => {
    const whole = twoBatches();
    const view = new DataView(whole.buffer, whole.byteOffset, whole.length);
    const footerAt = whole.length - 10 - view.getInt32(whole.length - 10, true);
    const footer = footerAt + view.getUint32(footerAt, true);
    const vtable = footer - view.getInt32(footer, true);
    const schema = footer + view.getUint16(vtable + 6, true);
    const table = schema + view.getUint32(schema, true);
    const vtableOfSchema = table - view.getInt32(table, true);
    const changed = Uint8Array.from(whole);
    changed[vtableOfSchema] = view.getUint8(vtableOfSchema) + 1;
    assert.equal(checkArrowFile(changed), "an offset or length that leads out of the file");
  });

  it("refuses record batches over each other", () => {
    const whole = twoBatches();
    const blocks = [...RecordBatchReader.from(whole)].length;
    assert.equal(blocks, 2);
    const view = new DataView(whole.buffer, whole.byteOffset, whole.length);
    const footerAt = whole.length - 10 - view.getInt32(whole.length - 10, true);
    // Each block of the footer: offset, length of the metadata, length of the body (512 bytes).
    const starts = [...Array(Math.floor((whole.length - footerAt - 24) / 4)).keys()]
      .map((i) => footerAt + 4 * i)
      .filter((at) => view.getBigInt64(at + 16, true) === 512n);
    assert.equal(starts.length, 2);
    const offsets = starts.map((at) => Number(view.getBigInt64(at, true)));
    const [first, last] = [Math.min(...offsets), Math.max(...offsets)];
    const later = starts[offsets.indexOf(last)];
    assert(later !== undefined);
    assert.match(
      checkArrowFile(withNumber(whole, later, first)) ?? "",
      /^a record batch at byte \d+, over what ends at/,
    );
  });
});
