import { FlatTable } from "./flatTable.ts";

const MAGIC = "ARROW1";
/** Magic and padding at the start; length of the footer and magic at the end. */
const HEAD_BYTES = 8;
const TAIL_BYTES = 4 + MAGIC.length;
/** Offset, length of the metadata, length of the body. */
const BLOCK_BYTES = 24;
/** Two 64-bit numbers: a column's length and nulls, or a buffer's offset and length. */
const PAIR_BYTES = 16;
const ALIGNMENT = 8;
const RECORD_BATCH = 3;
const CONTINUES = 0xffffffff;

/**
 * What is wrong with an Arrow file of plain columns, or undefined: every offset and length in its metadata is compared
 * with what is there, before a library allocates or loops by them. Columns that are nested, compressed or encoded by a
 * dictionary are refused: this project writes none. Source: Arrow columnar format, "IPC File Format".
 */
export function checkArrowFile(bytes: Uint8Array): string | undefined {
  try {
    return faultOf(bytes);
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

function faultOf(bytes: Uint8Array): string | undefined {
  const size = bytes.byteLength;
  const text = (start: number): string => String.fromCharCode(...bytes.subarray(start, start + MAGIC.length));
  if (size < HEAD_BYTES + TAIL_BYTES) return "too short a file";
  if (text(0) !== MAGIC || text(size - MAGIC.length) !== MAGIC) return "something else";
  const whole = new DataView(bytes.buffer, bytes.byteOffset, size);
  const footerBytes = whole.getInt32(size - TAIL_BYTES, true);
  const footerAt = size - TAIL_BYTES - footerBytes;
  if (footerBytes <= 0 || footerAt < HEAD_BYTES) return `a footer of ${footerBytes} bytes`;
  const footer = FlatTable.root(new DataView(bytes.buffer, bytes.byteOffset + footerAt, footerBytes));
  const schema = footer.table(1);
  if (schema === undefined) return "no schema";
  if (footer.length(2, BLOCK_BYTES) > 0) return "dictionaries";
  if (footer.length(4, 4) > 0) return "a footer with notes";
  if (schema.tables(1).some(isNotPlain) || schema.has(2)) return "columns that are not plain";
  let free = HEAD_BYTES;
  for (const [offset = 0, bodyBytes = 0] of footer.structures(3, BLOCK_BYTES, [0, 16])) {
    if (offset < free) return `a record batch at byte ${offset}, over what ends at ${free}`;
    const fault = faultOfBatch(new DataView(bytes.buffer, bytes.byteOffset, footerAt), offset, bodyBytes);
    if (fault !== undefined) return fault;
    free = offset + bodyBytes;
  }
  return undefined;
}

function isNotPlain(field: FlatTable): boolean {
  field.length(0, 1);
  field.table(3);
  return field.has(4) || field.length(5, 4) > 0 || field.has(6);
}

/** @param before the part of the file before its footer. */
function faultOfBatch(before: DataView, offset: number, bodyBytes: number): string | undefined {
  if (before.getUint32(offset, true) !== CONTINUES) return `no record batch at byte ${offset}`;
  const metadataBytes = before.getUint32(offset + 4, true);
  const metadataAt = offset + 8;
  const bodyAt = metadataAt + metadataBytes;
  if (bodyAt + bodyBytes > before.byteLength) return `a record batch that ends at byte ${bodyAt + bodyBytes}`;
  const message = FlatTable.root(new DataView(before.buffer, before.byteOffset + metadataAt, metadataBytes));
  const batch = message.table(2);
  if (batch === undefined || message.byte(1) !== RECORD_BATCH) return "another message in the place of a record batch";
  if (message.count(3) !== bodyBytes) return `a body of ${message.count(3)} bytes where the footer has ${bodyBytes}`;
  if (batch.has(3)) return "compressed columns";
  if (batch.length(4, 8) > 0 || message.length(4, 4) > 0) return "a record batch with more than columns";
  const rows = batch.count(0);
  for (const [length, nulls] of batch.structures(1, PAIR_BYTES, [0, 8])) {
    if (length !== rows || nulls !== 0) return `a column of ${length} values with ${nulls} nulls in ${rows} rows`;
  }
  let free = 0;
  for (const [start = 0, length = 0] of batch.structures(2, PAIR_BYTES, [0, 8])) {
    if ((bodyAt + start) % ALIGNMENT !== 0) return `a buffer at byte ${start}, which is not aligned`;
    if (start + length > bodyBytes) return `a buffer of bytes ${start} to ${start + length} in a body of ${bodyBytes}`;
    if (length === 0) continue;
    // What lies in the file once is read once: so no file becomes many times its size.
    if (start < free) return `a buffer at byte ${start}, over the one that ends at ${free}`;
    free = start + length;
  }
  return undefined;
}
