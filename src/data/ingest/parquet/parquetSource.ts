import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "../../../base/errors.ts";
import { resolveInside } from "../../../base/files.ts";
import type { SourceItem, VideoSource } from "../source.ts";
import { listFiles } from "../videoFiles.ts";
import { captionCell, videoCell } from "./cells.ts";
import { type ColumnChoice, type Columns, chooseColumns } from "./columns.ts";
import { ParquetReader } from "./reader.ts";
import type { TableFacts } from "./readerMessages.ts";

export interface ParquetChoice extends ColumnChoice {
  /** Which caption of a list, struct, map or JSON text: a number from 0, or a name. */
  readonly captionKey?: string | undefined;
}

/** A source that holds files open. */
export interface OpenSource extends VideoSource {
  /** Which columns are read. */
  readonly columns: Columns;
  close(): Promise<void>;
}

/** The parquet files that paths name: files themselves, and all below folders. Sorted within a folder. */
export async function parquetFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory() !== true) files.push(path);
    else files.push(...(await listFiles(path)).filter(isParquet).map((file) => join(path, file)));
  }
  return files;
}

export function isParquet(path: string): boolean {
  return path.toLowerCase().endsWith(".parquet");
}

/**
 * Videos or pictures in parquet files, as hubs publish datasets: a column of their bytes, or of paths relative to the
 * parquet file, and a column of captions. Rows are read a slice at a time.
 * @param shared reads the files, and is left open for other sources. Default: a reader of the source's own.
 * @throws UserError when a file is none, files differ in their columns, or the columns cannot be told.
 */
export async function parquetSource(
  paths: readonly string[],
  choice: ParquetChoice,
  shared?: ParquetReader,
): Promise<OpenSource> {
  const tables: TableFacts[] = [];
  const reader = shared ?? new ParquetReader();
  const close = async (): Promise<void> => {
    if (shared === undefined) await reader.close();
  };
  try {
    for (const path of paths) tables.push(await reader.open(path));
    const [first] = tables;
    if (first === undefined) throw new UserError("ingest", { expected: "a parquet file", got: "none" });
    const columns = chooseColumns(first.path, first.columns, choice);
    for (const table of tables) refuseOther(table, first, columns);
    const { captionKey } = choice;
    return {
      where: first.path,
      columns,
      total: tables.reduce((sum, { numRows }) => sum + numRows, 0),
      identity: {
        files: tables.map(({ path, bytes }) => [basename(path), bytes]),
        ...columns,
        key: captionKey ?? null,
      },
      items: (from) => itemsOf(reader, tables, columns, captionKey, from),
      missing: [],
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function refuseOther(table: TableFacts, first: TableFacts, { video, caption }: Columns): void {
  for (const name of [video, caption]) {
    const [expected, got] = [first, table].map(({ columns }) => columns.find((column) => column.name === name)?.type);
    if (expected === got) continue;
    throw new UserError(`${table.path} column ${name}`, {
      expected: `${expected}, as in ${first.path}`,
      got: got ?? "no such column",
    });
  }
}

async function* itemsOf(
  reader: ParquetReader,
  tables: readonly TableFacts[],
  columns: Columns,
  captionKey: string | undefined,
  from: number,
): AsyncGenerator<SourceItem> {
  let skip = from;
  for (const table of tables) {
    if (skip >= table.numRows) {
      skip -= table.numRows;
      continue;
    }
    const file = basename(table.path);
    for await (const { start, end, rows, reason } of reader.slices(table, [columns.video, columns.caption], skip)) {
      if (rows === undefined) {
        const name = `${file} rows ${start} to ${end - 1}`;
        yield { name, caption: undefined, content: { reason }, count: end - start };
        continue;
      }
      for (const [i, row] of rows.entries()) {
        yield await itemOf(table, `${file} row ${start + i}`, row[columns.video], row[columns.caption], captionKey);
      }
    }
    skip = 0;
  }
}

async function itemOf(
  { path }: TableFacts,
  row: string,
  video: unknown,
  captions: unknown,
  captionKey: string | undefined,
): Promise<SourceItem> {
  const caption = captionCell(captions, captionKey);
  const cell = videoCell(video);
  if ("reason" in cell) return { name: row, caption, content: cell };
  if ("bytes" in cell) {
    const name = cell.name === undefined ? row : `${row} (${basename(cell.name)})`;
    return { name, caption, content: { bytes: cell.bytes } };
  }
  const name = `${row} (${cell.path})`;
  try {
    const inside = await resolveInside(dirname(path), cell.path);
    const isThere = (await stat(inside).catch(() => undefined))?.isFile() === true;
    return { name, caption, content: isThere ? { path: inside } : { reason: "names a file that is not there" } };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { name, caption, content: { reason: `names a file elsewhere: ${error.message}` } };
  }
}
