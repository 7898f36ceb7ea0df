import { type FileHandle, open } from "node:fs/promises";
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { UserError } from "../../../base/errors.ts";
import { type Column, columnsOf } from "./columns.ts";

/** Values that are read at once, about; a row group is read as a whole where the file has no index of its pages. */
const SLICE_BYTES = 64 * 2 ** 20;
/** Values of a row group that must be read as a whole, at most. */
const GROUP_BYTES = 2 * 2 ** 30;

/** Rows of a row group, at most: each becomes an object, whatever the file holds for it. */
const GROUP_ROWS = 2 ** 22;
/** Bytes that a page of `n` compressed bytes may become: more than any codec makes of a video. */
const pageBytes = (n: number): number => 64 * 2 ** 20 + 1100 * n;

/** Rows that lie together: their numbers in the file, and their cells or why they cannot be read. */
export interface Slice {
  readonly start: number;
  readonly end: number;
  readonly rows: readonly Readonly<Record<string, unknown>>[] | undefined;
  readonly reason: string;
}

/** A parquet file, open for reading a piece at a time. */
export class ParquetTable {
  readonly path: string;
  readonly numRows: number;
  readonly bytes: number;
  readonly columns: readonly Column[];
  /** Numbers of the rows after each row group. */
  readonly groupEnds: readonly number[];
  private readonly file: FileHandle;
  private readonly metadata: FileMetaData;

  private constructor(path: string, file: FileHandle, bytes: number, metadata: FileMetaData) {
    this.path = path;
    this.file = file;
    this.bytes = bytes;
    this.metadata = metadata;
    let end = 0;
    this.groupEnds = metadata.row_groups.map(({ num_rows }) => {
      const rows = Number(num_rows);
      if (!(rows >= 0 && rows <= GROUP_ROWS)) throw new Error(`a row group of ${rows} rows`);
      end += rows;
      return end;
    });
    this.numRows = end;
    this.columns = columnsOf(parquetSchema(metadata));
  }

  /** Opens a file and reads its footer. @throws UserError when it is no parquet file. */
  static async open(path: string): Promise<ParquetTable> {
    const file = await open(path).catch((error: unknown) => {
      throw new UserError(path, { expected: "a parquet file", got: messageOf(error) });
    });
    try {
      const { size } = await file.stat();
      return new ParquetTable(path, file, size, await parquetMetadataAsync(bufferOf(file, size)));
    } catch (error) {
      await file.close();
      const got = `one whose footer cannot be read (${messageOf(error)})`;
      throw new UserError(path, { expected: "a parquet file", got });
    }
  }

  /**
   * The cells of some columns, slice by slice, from row `from` on. Where one cannot be read, the rest of its row group is
   * given up. Memory: one slice.
   */
  async *slices(columns: readonly string[], from: number): AsyncGenerator<Slice> {
    let groupStart = 0;
    for (const { num_rows, columns: chunks } of this.metadata.row_groups) {
      const numRows = Number(num_rows);
      const groupEnd = groupStart + numRows;
      const wanted = chunks.filter(({ meta_data }) => columns.includes(meta_data?.path_in_schema[0] ?? ""));
      const bytes = wanted.reduce((sum, { meta_data }) => sum + Number(meta_data?.total_uncompressed_size ?? 0), 0);
      const hasIndex = wanted.every(({ offset_index_offset }) => offset_index_offset !== undefined);
      const rowsAtOnce = hasIndex ? Math.max(1, Math.floor((numRows * SLICE_BYTES) / Math.max(bytes, 1))) : numRows;
      const isTooLarge = !hasIndex && bytes > GROUP_BYTES;
      const size = `${(bytes / 2 ** 30).toFixed(1)} GiB`;
      for (let start = Math.max(from, groupStart); start < groupEnd; start += rowsAtOnce) {
        const slice = isTooLarge
          ? { start, rows: undefined, reason: `lie in a row group of ${size}; write the file again with smaller ones` }
          : await this.slice(columns, start, Math.min(groupEnd, start + rowsAtOnce));
        if (slice.rows !== undefined) yield slice;
        else {
          yield { ...slice, end: groupEnd };
          break;
        }
      }
      groupStart = groupEnd;
    }
  }

  close(): Promise<void> {
    return this.file.close();
  }

  private async slice(columns: readonly string[], start: number, end: number): Promise<Slice> {
    const { metadata } = this;
    const file = bufferOf(this.file, this.bytes);
    const which = { columns: [...columns], rowStart: start, rowEnd: end, utf8: false, useOffsetIndex: true };
    try {
      const rows = await parquetReadObjects({ file, metadata, compressors: boundedCompressors, ...which });
      if (rows.length !== end - start) throw new Error(`${rows.length} rows where ${end - start} are listed`);
      return { start, end, rows, reason: "" };
    } catch (error) {
      return { start, end, rows: undefined, reason: `cannot be read: ${messageOf(error)}` };
    }
  }
}

/** The decompressors, each behind a look at the size that a page's header claims. */
const boundedCompressors: Compressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, decompress]) => [
    codec,
    (input: Uint8Array, outputLength: number): Uint8Array => {
      if (outputLength >= 0 && outputLength <= pageBytes(input.length)) return decompress(input, outputLength);
      throw new RangeError(`a page of ${outputLength} bytes in ${input.length}`);
    },
  ]),
);

/** Ranged reads of a file, each checked against its size. */
function bufferOf(file: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      if (!(start >= 0 && start <= end && end <= byteLength)) {
        throw new RangeError(`bytes ${start} to ${end} of a file of ${byteLength}`);
      }
      const bytes = new Uint8Array(end - start);
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done);
        if (bytesRead === 0) throw new RangeError(`the file ends at byte ${start + done}`);
        done += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, "; ");
}
