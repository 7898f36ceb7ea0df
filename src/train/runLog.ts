/**
 * log.jsonl: one JSON object a line, each with the optimizer step it tells of. A run that resumes from step S first
 * cuts what lies beyond S, so the log of an interrupted run reads like that of one which was never interrupted.
 */
import fs from "node:fs";
import { writeFileAtomic } from "../base/files.ts";
import { isJsonObject } from "../base/json.ts";

/** Numbers that JSON cannot hold are written as "NaN", "Infinity", "-Infinity". */
export type LogRecord = { readonly step: number } & Readonly<Record<string, number | string | boolean | null>>;

export class RunLog {
  readonly path: string;
  /** Undefined while there is none to write to. */
  private file: number | undefined;
  private readonly onFailure: (reason: string) => void;
  private torn = false;
  private failed = false;

  private constructor(path: string, onFailure: (reason: string) => void) {
    this.path = path;
    this.onFailure = onFailure;
  }

  /**
   * Opens a log for a run that stands at `step` (0 for a new one). Lines beyond it, and lines that are no records,
   * move to `log.jsonl.cut-1`, `-2` ... Nothing here throws: logging never stops a run. `onFailure` is told once.
   */
  static async open(path: string, step: number, onFailure: (reason: string) => void): Promise<RunLog> {
    const log = new RunLog(path, onFailure);
    try {
      await cutLog(path, step);
    } catch (error) {
      log.fail(error);
      return log;
    }
    log.reopen();
    return log;
  }

  /** Appends a line. It survives the death of the process at once, that of the machine after `sync`. */
  append(record: LogRecord): void {
    this.guard((file) => {
      const line = `${this.torn ? "\n" : ""}${JSON.stringify(record, nonFiniteAsText)}\n`;
      const bytes = Buffer.from(line);
      this.torn = true;
      if (fs.writeSync(file, bytes) < bytes.length) throw new Error("the disk took only a part of a line");
      this.torn = false;
    });
  }

  /** Brings every line to the disk. Call it before a checkpoint is saved. */
  sync(): void {
    this.guard((file) => fs.fsyncSync(file));
  }

  /** Goes back to an earlier step: lines beyond it move aside as they do when a log is opened. */
  async goBack(step: number): Promise<void> {
    if (this.file === undefined) return;
    this.close();
    try {
      await cutLog(this.path, step);
    } catch (error) {
      this.fail(error);
    }
    this.reopen();
  }

  close(): void {
    this.guard((file) => fs.closeSync(file));
    this.file = undefined;
  }

  private reopen(): void {
    try {
      this.file = fs.openSync(this.path, "a");
    } catch (error) {
      this.fail(error);
    }
  }

  private guard(act: (file: number) => void): void {
    if (this.file === undefined) return;
    try {
      act(this.file);
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (!this.failed) this.onFailure(`${this.path}: ${error instanceof Error ? error.message : String(error)}`);
    this.failed = true;
  }
}

/** The records of a log, in order; none when there is no log. A torn line is passed over. */
export function readRunLog(path: string): LogRecord[] {
  return linesOf(textOf(path)).flatMap((line) => parseRecord(line) ?? []);
}

async function cutLog(path: string, step: number): Promise<void> {
  const text = textOf(path);
  const lines = linesOf(text);
  const stays = (line: string) => (parseRecord(line)?.step ?? Number.POSITIVE_INFINITY) <= step;
  const cut = lines.filter((line) => !stays(line));
  const kept = asText(lines.filter(stays));
  if (kept === text) return;
  let side = 1;
  while (fs.existsSync(`${path}.cut-${side}`)) side += 1;
  if (cut.length > 0) await writeFileAtomic(`${path}.cut-${side}`, asText(cut));
  await writeFileAtomic(path, kept);
}

function textOf(path: string): string {
  return fs.existsSync(path) ? fs.readFileSync(path, "utf8") : "";
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

function asText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function parseRecord(line: string): LogRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) && typeof value.step === "number" ? (value as LogRecord) : undefined;
  } catch {
    return undefined;
  }
}

function nonFiniteAsText(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}
