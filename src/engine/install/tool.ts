import { UserError } from "../../base/errors.ts";
import { errorCode } from "../../base/files.ts";
import { type Finished, runProgram } from "../../base/program.ts";

/** Where errors of the installation say they are. */
export const HERE = "engine install tensorflow";

/** A program that answers, with the arguments that come before all others: `["python3", "-m", "pip"]`. */
export interface Tool {
  readonly command: readonly [string, ...string[]];
  /** The first line of what it says to `--version`. */
  readonly version: string;
}

/** The first of several commands that answers to `--version`. */
export async function findTool(commands: readonly Tool["command"][]): Promise<Tool | undefined> {
  for (const command of commands) {
    const [program, ...first] = command;
    const finished = await runProgram(program, [...first, "--version"], { timeoutMs: 60_000 }).catch(ignoreMissing);
    if (finished?.code === 0) return { command, version: finished.stdout.toString().split("\n", 1)[0]?.trim() ?? "" };
  }
  return undefined;
}

export interface ToolOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
}

/** Runs a tool to its end, whatever that is. */
export function runTool({ command: [program, ...first] }: Tool, args: readonly string[], options: ToolOptions) {
  return runProgram(program, [...first, ...args], options);
}

/**
 * What went wrong in a tool, in one line: the first line that matches `pattern`, else the last one.
 * @param what it was doing: `pip could not download tensorflow-cpu`.
 */
export function toolError(what: string, finished: Finished, pattern: RegExp, hint?: string): UserError {
  const text = finished.stderr + finished.stdout.toString();
  if (/No space left on device|ENOSPC/.test(text)) return new UserError(HERE, `${what}: the disk is full`);
  const lines = text.split(/[\r\n]+/).filter((line) => line.trim() !== "");
  const ended = finished.signal === null ? `exit code ${finished.code}` : `killed by ${finished.signal}`;
  const line = (lines.find((each) => pattern.test(each)) ?? lines.at(-1))?.trim();
  return new UserError(
    HERE,
    `${what} (${ended})${line === undefined ? "" : `: ${line}`}${hint === undefined ? "" : `; try ${hint}`}`,
  );
}

function ignoreMissing(error: unknown): undefined {
  if (!["ENOENT", "EACCES"].includes(errorCode(error) ?? "")) throw error;
}
