import type { ErrorRecord } from "../../../base/errorRecord.ts";
import type { Column } from "./columns.ts";
import type { Slice } from "./table.ts";

/** What a parquet file tells of itself. */
export interface TableFacts {
  readonly path: string;
  readonly bytes: number;
  readonly numRows: number;
  readonly columns: readonly Column[];
  /** Numbers of the rows after each row group. */
  readonly groupEnds: readonly number[];
}

/** To the thread: open a file, or read its first slice from a row on. */
export interface ReaderRequest {
  readonly path: string;
  readonly slice?: { readonly columns: readonly string[]; readonly from: number };
}

export type ReaderReply =
  | { readonly facts: TableFacts }
  | { readonly slice: Slice | undefined }
  | { readonly error: ErrorRecord };
