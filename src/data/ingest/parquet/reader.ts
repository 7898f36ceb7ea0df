import { extname } from "node:path";
import type { Worker } from "node:worker_threads";
import { fromRecord } from "../../../base/errorRecord.ts";
import { UserError } from "../../../base/errors.ts";
import { startThread } from "../../../base/thread.ts";
import type { ReaderReply, ReaderRequest, TableFacts } from "./readerMessages.ts";
import type { Slice } from "./table.ts";

const threadFile = new URL(`./readerThread${extname(import.meta.url)}`, import.meta.url);
/** Longest that one slice of a file may take. */
const TIMEOUT_MS = 300_000;
/** Memory of JavaScript values in the thread, in MiB; bytes of videos come on top, a slice of them. */
const HEAP_MIB = 2048;

/** Reads parquet files in a thread of its own, which is started anew after a file that was too much for it. */
export class ParquetReader {
  private thread: Worker | undefined;
  private readonly timeoutMs: number;

  constructor(timeoutMs: number = TIMEOUT_MS) {
    this.timeoutMs = timeoutMs;
  }

  /** Reads the footer of a file. @throws UserError when it is no parquet file. */
  async open(path: string): Promise<TableFacts> {
    const reply = await this.ask({ path }).catch((error: unknown) => {
      if (error instanceof UserError) throw error;
      const got = `one that cannot be read (${messageOf(error)})`;
      throw new UserError(path, { expected: "a parquet file", got });
    });
    if ("facts" in reply) return reply.facts;
    throw new Error("the reader of parquet files answered out of turn");
  }

  /**
   * The cells of some columns, slice by slice, from row `from` on. Where one cannot be read, the rest of its row group is
   * given up. Memory: one slice.
   */
  async *slices(table: TableFacts, columns: readonly string[], from: number): AsyncGenerator<Slice> {
    for (let start = from; start < table.numRows; ) {
      const slice = await this.slice(table, columns, start);
      if (slice === undefined) return;
      yield slice;
      start = slice.end;
    }
  }

  /** Ends the thread; another request starts a new one. */
  async close(): Promise<void> {
    const { thread } = this;
    this.thread = undefined;
    await thread?.terminate();
  }

  private async slice(table: TableFacts, columns: readonly string[], from: number): Promise<Slice | undefined> {
    try {
      const reply = await this.ask({ path: table.path, slice: { columns, from } });
      if ("slice" in reply) return reply.slice;
      throw new Error("answered out of turn");
    } catch (error) {
      const end = table.groupEnds.find((row) => row > from) ?? table.numRows;
      return { start: from, end, rows: undefined, reason: `cannot be read: ${messageOf(error)}` };
    }
  }

  private async ask(request: ReaderRequest): Promise<ReaderReply> {
    this.thread ??= startThread(threadFile, {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    });
    const { thread } = this;
    try {
      const reply = await nextReply(thread, request, this.timeoutMs);
      if (!("error" in reply)) return reply;
      throw fromRecord(reply.error);
    } catch (error) {
      if (!(error instanceof UserError)) await this.close();
      throw error;
    }
  }
}

function nextReply(thread: Worker, request: ReaderRequest, timeoutMs: number): Promise<ReaderReply> {
  return new Promise((resolve, reject) => {
    const onMessage = (reply: ReaderReply): void => settle(() => resolve(reply));
    const onError = (error: Error): void => settle(() => reject(error));
    const onExit = (): void => settle(() => reject(new Error("the reader ended")));
    const timer = setTimeout(
      () => settle(() => reject(new Error(`took longer than ${timeoutMs / 1000} s`))),
      timeoutMs,
    );
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      thread.off("message", onMessage).off("error", onError).off("exit", onExit);
      act();
    };
    thread.on("message", onMessage).on("error", onError).on("exit", onExit);
    thread.postMessage(request);
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
