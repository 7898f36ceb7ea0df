import {
  type Data,
  Field,
  Float64,
  Int32,
  LargeBinary,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { assert, UserError } from "../../base/errors.ts";
import { type Grid, gridSize } from "../../base/grid.ts";
import type { ClipEntry } from "../clip.ts";

/** What a dataset holds: `pixels` are uint8 `T H W C`, `latents` are float32 `t h w z`. */
export const CONTENT_KINDS = ["pixels", "latents"] as const;
export type ContentKind = (typeof CONTENT_KINDS)[number];

const BYTES_PER_VALUE: Readonly<Record<ContentKind, number>> = { pixels: 1, latents: 4 };

/** A row without its values: the clip it is about and the grid of cells that is stored for it. */
export interface RowEntry extends ClipEntry {
  /** Cells stored: frames x height x width for pixels, the latent grid for latents. */
  readonly grid: Grid;
  /** Values a cell. */
  readonly channels: number;
}

/** Bytes of a row's values. */
export function rowBytes(kind: ContentKind, entry: Pick<RowEntry, "grid" | "channels">): number {
  return gridSize(entry.grid) * entry.channels * BYTES_PER_VALUE[kind];
}

/** Where a row lies: number of the shard, of the record batch in it, of the row in that. */
export interface RowPlace {
  readonly shard: number;
  readonly batch: number;
  readonly row: number;
}

const TEXTS = ["hash", "caption", "source"] as const;
const INTS = ["frames", "height", "width", "t", "h", "w", "channels"] as const;
const PLACES = ["shard", "batch", "row"] as const;

const entryFields = [
  ...TEXTS.map((name) => new Field(name, new Utf8(), false)),
  new Field("fps", new Float64(), false),
  ...INTS.map((name) => new Field(name, new Int32(), false)),
];

/** Columns of a shard: a row's entry and its values. */
export const shardSchema = new Schema([...entryFields, new Field("values", new LargeBinary(), false)]);

/** Columns of the index: the entries of all shards and their places. */
export const indexSchema = new Schema([...entryFields, ...PLACES.map((name) => new Field(name, new Int32(), false))]);

/** One record batch of a shard. Values are little-endian, row after row. */
export function shardBatch(entries: readonly RowEntry[], values: readonly Uint8Array[]): RecordBatch {
  const offsets = new BigInt64Array(values.length + 1);
  values.forEach((value, i) => {
    offsets[i + 1] = (offsets[i] as bigint) + BigInt(value.byteLength);
  });
  const joined = new Uint8Array(Number(offsets[values.length]));
  values.forEach((value, i) => {
    joined.set(value, Number(offsets[i]));
  });
  const column = makeData({
    type: new LargeBinary(),
    length: values.length,
    nullCount: 0,
    valueOffsets: offsets,
    data: joined,
  });
  return batchOf(shardSchema, entries.length, [...entryColumns(entries), column]);
}

/** The index as one record batch. */
export function indexBatch(entries: readonly RowEntry[], places: readonly RowPlace[]): RecordBatch {
  const columns = PLACES.map((name) => intColumn(places.map((place) => place[name])));
  return batchOf(indexSchema, entries.length, [...entryColumns(entries), ...columns]);
}

/** Reads an index back. @throws UserError when a column is missing or has another type. */
export function readIndex(file: string, batch: RecordBatch): { entries: RowEntry[]; places: RowPlace[] } {
  for (const field of indexSchema.fields) {
    const found = batch.schema.fields.find((other) => other.name === field.name);
    if (String(found?.type) !== String(field.type)) {
      throw new UserError(`${file} column ${field.name}`, { expected: String(field.type), got: String(found?.type) });
    }
  }
  const text = (name: string): ((i: number) => string) => columnReader(batch, name);
  const count = (name: string): ((i: number) => number) => columnReader(batch, name);
  const [hash, caption, source] = [text("hash"), text("caption"), text("source")];
  const fps = count("fps");
  const [frames, height, width] = [count("frames"), count("height"), count("width")];
  const [t, h, w, channels] = [count("t"), count("h"), count("w"), count("channels")];
  const [shard, batchNumber, row] = [count("shard"), count("batch"), count("row")];
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
    })),
    places: rows.map((i) => ({ shard: shard(i), batch: batchNumber(i), row: row(i) })),
  };
}

/** A view of one row's values in a shard's batch (no copy). @throws UserError when they are not of this entry. */
export function rowValues(
  file: string,
  kind: ContentKind,
  batch: RecordBatch,
  row: number,
  entry: RowEntry,
): Uint8Array {
  const hash = batch.getChild("hash")?.get(row);
  const values: unknown = batch.getChild("values")?.get(row);
  if (hash !== entry.hash || !(values instanceof Uint8Array)) {
    throw new UserError(`${file} row ${row}`, { expected: `clip ${entry.hash}`, got: `clip ${hash}` });
  }
  if (values.byteLength !== rowBytes(kind, entry)) {
    throw new UserError(`${file} row ${row}`, {
      expected: `${rowBytes(kind, entry)} bytes for clip ${entry.hash}`,
      got: `${values.byteLength}`,
    });
  }
  return values;
}

function entryColumns(entries: readonly RowEntry[]): Data[] {
  const fps = makeData({ type: new Float64(), data: Float64Array.from(entries, (entry) => entry.fps) });
  const ints = INTS.map((name) => {
    const ofGrid = name === "t" || name === "h" || name === "w";
    return intColumn(entries.map((entry) => (ofGrid ? entry.grid[name] : entry[name])));
  });
  return [...TEXTS.map((name) => textColumn(entries.map((entry) => entry[name]))), fps, ...ints];
}

function intColumn(values: readonly number[]): Data {
  return makeData({ type: new Int32(), data: Int32Array.from(values) });
}

function textColumn(values: readonly string[]): Data {
  const [data] = vectorFromArray([...values], new Utf8()).data;
  assert(data !== undefined, "a text column has one chunk");
  return data;
}

function batchOf(schema: Schema, length: number, children: Data[]): RecordBatch {
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }));
}

function columnReader<T>(batch: RecordBatch, name: string): (i: number) => T {
  const column = batch.getChild(name);
  assert(column !== null, `column ${name}`);
  return (i) => column.get(i);
}
