import {
  type Data,
  Field,
  Float64,
  Int32,
  Int64,
  LargeBinary,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Uint32,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { assert } from "../../base/errors.ts";
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
  /** CRC-32C of the stored bytes: tells a damaged row from its neighbours. */
  readonly crc32c: number;
}

/** A row as it is handed in: position and checksum follow from the others and its values. */
export type NewRow = Omit<RowEntry, "index" | "crc32c">;

/** Bytes of a row's values. */
export function rowBytes(kind: ContentKind, entry: Pick<RowEntry, "grid" | "channels">): number {
  return gridSize(entry.grid) * entry.channels * BYTES_PER_VALUE[kind];
}

/** Where a row's values lie: number of the shard, and bytes from the beginning of that file. */
export interface RowPlace {
  readonly shard: number;
  readonly offset: number;
}

/** The place of a row whose values could not be stored. It is listed, so that the order of the others stays. */
export const NOWHERE: RowPlace = { shard: -1, offset: 0 };

const TEXTS = ["hash", "caption", "source"] as const;
const INTS = ["frames", "height", "width", "t", "h", "w", "channels"] as const;

const entryFields = [
  ...TEXTS.map((name) => new Field(name, new Utf8(), false)),
  new Field("fps", new Float64(), false),
  ...INTS.map((name) => new Field(name, new Int32(), false)),
  new Field("crc32c", new Uint32(), false),
];

/** Columns of a shard: a row's entry and its values. */
export const shardSchema = new Schema([...entryFields, new Field("values", new LargeBinary(), false)]);

/** Columns of the index: the entries of all shards and their places. */
export const indexSchema = new Schema([
  ...entryFields,
  new Field("shard", new Int32(), false),
  new Field("offset", new Int64(), false),
]);

/** The values of rows end to end, and one record batch of a shard that holds them. */
export function shardBatch(entries: readonly RowEntry[], values: readonly Uint8Array[]) {
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
  return { joined, batch: batchOf(shardSchema, entries.length, [...entryColumns(entries), column]) };
}

/** The index as one record batch. */
export function indexBatch(entries: readonly RowEntry[], places: readonly RowPlace[]): RecordBatch {
  const shards = intColumn(places.map(({ shard }) => shard));
  const offsets = BigInt64Array.from(places, ({ offset }) => BigInt(offset));
  const places64 = makeData({ type: new Int64(), data: offsets });
  return batchOf(indexSchema, entries.length, [...entryColumns(entries), shards, places64]);
}

function entryColumns(entries: readonly RowEntry[]): Data[] {
  const fps = makeData({ type: new Float64(), data: Float64Array.from(entries, (entry) => entry.fps) });
  const ints = INTS.map((name) => {
    const ofGrid = name === "t" || name === "h" || name === "w";
    return intColumn(entries.map((entry) => (ofGrid ? entry.grid[name] : entry[name])));
  });
  const checksums = makeData({ type: new Uint32(), data: Uint32Array.from(entries, (entry) => entry.crc32c) });
  return [...TEXTS.map((name) => textColumn(entries.map((entry) => entry[name]))), fps, ...ints, checksums];
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
