/**
 * The thread in which parquet files are parsed: one that makes the parser run for ever, out of memory or throw where
 * nobody listens takes nothing with it.
 */
import { parentPort } from "node:worker_threads";
import { toRecord } from "../../../base/errorRecord.ts";
import type { ReaderReply, ReaderRequest } from "./readerMessages.ts";
import { ParquetTable } from "./table.ts";

const tables = new Map<string, ParquetTable>();

/** Opens a file, anew when it was open. */
async function open(path: string): Promise<ParquetTable> {
  await tables.get(path)?.close();
  tables.delete(path);
  const table = await ParquetTable.open(path);
  tables.set(path, table);
  return table;
}

async function answer({ path, slice }: ReaderRequest): Promise<ReaderReply> {
  const table = (slice === undefined ? undefined : tables.get(path)) ?? (await open(path));
  if (slice === undefined) {
    const { bytes, numRows, columns, groupEnds } = table;
    return { facts: { path, bytes, numRows, columns, groupEnds } };
  }
  for await (const first of table.slices(slice.columns, slice.from)) return { slice: first };
  return { slice: undefined };
}

// The parser leaves promises of sibling columns alone when one of them fails; the failure itself is in the answer.
process.on("unhandledRejection", () => undefined);
parentPort?.on("message", (request: ReaderRequest) => {
  void answer(request)
    .catch((error: unknown): ReaderReply => ({ error: toRecord(error) }))
    .then((reply) => parentPort?.postMessage(reply));
});
