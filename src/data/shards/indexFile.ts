/**
 * Reading of the index, an Arrow file of one record batch. Nothing in it is believed before it is checked: a dataset may
 * come from elsewhere, and its manifest with it.
 */
import { constants, open } from "node:fs/promises";
import { join } from "node:path";
import { type Data, type RecordBatch, RecordBatchReader, type Schema } from "apache-arrow";
import { assert, UserError } from "../../base/errors.ts";
import { sealOfBytes } from "../../base/hash.ts";
import { checkArrowFile } from "./arrowLayout.ts";
import { type ContentKind, indexSchema, type RowEntry, type RowPlace, rowBytes } from "./rows.ts";
import type { ShardFile } from "./writer.ts";

export const REBUILD = "`kinema data verify` to see what else is damaged, or build the dataset again";

/** The rows of a dataset, and where their values lie. */
export interface RowIndex {
  readonly entries: readonly RowEntry[];
  readonly places: readonly RowPlace[];
}

/** Shards as the manifest lists them. */
export interface Shards {
  readonly kind: ContentKind;
  readonly shards: readonly ShardFile[];
}

/** Shards and their index. */
export interface IndexedShards extends Shards {
  readonly index: ShardFile;
}

/** Reads and checks the index. @throws UserError when it is not the file that was written, or lists what cannot be. */
export async function readIndex(dir: string, set: IndexedShards): Promise<RowIndex> {
  const path = join(dir, set.index.file);
  return parseIndex(path, await readWhole(path, set.index), set);
}

/** The rows that the bytes of an index list. @throws UserError as `readIndex` does. */
export function parseIndex(path: string, bytes: Uint8Array, set: IndexedShards): RowIndex {
  const rows = rowsOf(parse(path, bytes));
  const refuse = (i: number, expected: string, got: string) => new UserError(`${path} row ${i}`, { expected, got });
  if (rows.entries.length !== set.index.clips) {
    throw new UserError(path, { expected: `${set.index.clips} clips`, got: `${rows.entries.length}` });
  }
  rows.entries.forEach((entry, i) => {
    const sides = [entry.frames, entry.height, entry.width, entry.grid.t, entry.grid.h, entry.grid.w, entry.channels];
    if (!sides.every((side) => side > 0)) throw refuse(i, "sides above 0", sides.join("x"));
    const { shard, offset } = rows.places[i] as RowPlace;
    if (shard === -1) return;
    const bytes = set.shards[shard]?.bytes;
    if (bytes === undefined) throw refuse(i, `one of ${set.shards.length} shards`, `shard ${shard}`);
    const end = offset + rowBytes(set.kind, entry);
    if (!(offset >= 0 && end <= bytes)) throw refuse(i, `a place within ${bytes} bytes`, `${offset} to ${end}`);
  });
  return rows;
}

async function readWhole(path: string, expected: ShardFile): Promise<Uint8Array> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch((cause: unknown) => {
    throw new UserError(path, { expected: "the index of the dataset", got: String(cause), try: REBUILD });
  });
  try {
    const { size } = await handle.stat();
    if (size !== expected.bytes) {
      throw new UserError(path, { expected: `${expected.bytes} bytes`, got: `${size}`, try: REBUILD });
    }
    const bytes = await handle.readFile();
    const { sha256 } = sealOfBytes(bytes);
    if (sha256 !== expected.sha256) {
      const got = `${sha256.slice(0, 16)}...: damaged or swapped`;
      throw new UserError(path, { expected: `sha256 ${expected.sha256.slice(0, 16)}...`, got, try: REBUILD });
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

function parse(path: string, bytes: Uint8Array): RecordBatch {
  const fault = checkArrowFile(bytes);
  if (fault !== undefined) throw new UserError(path, { expected: "an Arrow IPC file", got: fault, try: REBUILD });
  const { schema, batches } = decode(path, bytes);
  refuseOtherColumns(path, schema);
  const [batch] = batches;
  if (batch === undefined || batches.length !== 1) {
    throw new UserError(path, { expected: "one record batch", got: String(batches.length), try: REBUILD });
  }
  for (const [i, column] of batch.data.children.entries()) {
    const what = faultOf(column, batch.numRows);
    if (what !== undefined) throw new UserError(`${path} column ${String(indexSchema.names[i])}`, what);
  }
  return batch;
}

function decode(path: string, bytes: Uint8Array): { schema: Schema; batches: RecordBatch[] } {
  try {
    const reader = RecordBatchReader.from(bytes);
    reader.open();
    return { schema: reader.schema, batches: [...reader] };
  } catch (cause) {
    throw new UserError(path, { expected: "an Arrow IPC file", got: String(cause), try: REBUILD });
  }
}

function refuseOtherColumns(path: string, schema: Schema): void {
  const shown = ({ fields }: Schema) => fields.map(({ name, type }) => `${String(name)} ${type}`).join(", ");
  if (shown(schema) === shown(indexSchema)) return;
  throw new UserError(path, { expected: `the columns ${shown(indexSchema)}`, got: shown(schema), try: REBUILD });
}

/** What is wrong with a column of `length` values, none of them null. */
function faultOf({ length, nullCount, values, valueOffsets }: Data, rows: number): string | undefined {
  if (length !== rows || nullCount !== 0) return `expected ${rows} values, got ${length} with ${nullCount} nulls`;
  const offsets: ArrayLike<number> | undefined = valueOffsets;
  if (offsets === undefined || rows === 0) {
    return values.length >= rows ? undefined : `expected ${rows} values, got ${values.length}`;
  }
  if (offsets.length < rows + 1) return `expected ${rows + 1} offsets, got ${offsets.length}`;
  for (let i = 0; i < rows; i++) {
    const [start, end] = [offsets[i] as number, offsets[i + 1] as number];
    if (start < 0 || end < start || end > values.length)
      return `expected a text within the column, got ${start}-${end}`;
  }
  return undefined;
}

function rowsOf(batch: RecordBatch): RowIndex {
  const text = (name: string): ((i: number) => string) => columnReader(batch, name);
  const count = (name: string): ((i: number) => number) => columnReader(batch, name);
  const [hash, caption, source] = [text("hash"), text("caption"), text("source")];
  const [fps, crc32c] = [count("fps"), count("crc32c")];
  const [frames, height, width] = [count("frames"), count("height"), count("width")];
  const [t, h, w, channels] = [count("t"), count("h"), count("w"), count("channels")];
  const [shard, offset] = [count("shard"), columnReader<bigint>(batch, "offset")];
  const rows = Array.from({ length: batch.numRows }, (_, i) => i);
  return {
    entries: rows.map((i) => ({
      index: i,
      hash: hash(i),
      caption: caption(i),
      source: source(i),
      fps: fps(i),
      frames: frames(i),
      height: height(i),
      width: width(i),
      grid: { t: t(i), h: h(i), w: w(i) },
      channels: channels(i),
      crc32c: crc32c(i),
    })),
    places: rows.map((i) => ({ shard: shard(i), offset: Number(offset(i)) })),
  };
}

function columnReader<T>(batch: RecordBatch, name: string): (i: number) => T {
  const column = batch.getChild(name);
  assert(column !== null, `column ${name}`);
  return (i) => column.get(i);
}
