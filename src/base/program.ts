import { spawn } from "node:child_process";
import type { Writable } from "node:stream";

/** How a program ended. */
export interface Finished {
  /** Exit code; null when it was killed. */
  readonly code: number | null;
  /** The signal that killed it. */
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** Whether it was killed for writing more than `maxBytes`. */
  readonly overflowed: boolean;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  /** What it reads from standard input: at once, or as it comes. When getting it fails, the program is killed. */
  readonly input?: Uint8Array | AsyncIterable<Uint8Array>;
  /** It is killed when it takes longer. */
  readonly timeoutMs?: number;
  /** It is killed when it writes more. */
  readonly maxBytes?: number;
  readonly cwd?: string;
  /** Variables on top of our own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Hears each line of standard output as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Text of errors that is kept. */
const STDERR_CHARS = 1 << 16;

/** Runs a program without a shell. @throws when it cannot be started. */
export function runProgram(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
    });
    const chunks: Buffer[] = [];
    const hear = options.onLine && lineByLine(options.onLine);
    let bytes = 0;
    let stderr = "";
    let timedOut = false;
    let overflowed = false;
    const giveUp = () => {
      timedOut = true;
      child.kill("SIGKILL");
    };
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(giveUp, options.timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      overflowed = bytes > (options.maxBytes ?? Number.POSITIVE_INFINITY);
      if (overflowed) child.kill("SIGKILL");
      else chunks.push(chunk);
      hear?.(chunk);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < STDERR_CHARS) stderr += text;
    });
    // A program that ends early closes its input; how it ended is told by `close`.
    child.stdin.on("error", () => undefined);
    let inputError: unknown;
    if (options.input === undefined || options.input instanceof Uint8Array) child.stdin.end(options.input);
    else {
      void feed(options.input, child.stdin, (error) => {
        inputError = error;
        child.kill("SIGKILL");
      });
    }
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (inputError !== undefined) return reject(inputError);
      resolve({ code, signal, timedOut, overflowed, stdout: Buffer.concat(chunks), stderr });
    });
  });
}

/** Writes pieces as fast as they are read. A reader that ends early is no failure; a source that fails is told. */
async function feed(
  source: AsyncIterable<Uint8Array>,
  stdin: Writable,
  onFailure: (error: unknown) => void,
): Promise<void> {
  try {
    for await (const piece of source) {
      if (stdin.destroyed) break;
      if (!stdin.write(piece)) await drained(stdin);
    }
  } catch (error) {
    onFailure(error);
  }
  stdin.end();
}

/** Waits until more may be written, or nothing any more. */
function drained(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stdin.off("drain", go).off("close", go);
      resolve();
    };
    stdin.on("drain", go).on("close", go);
  });
}

/** Cuts what comes in pieces into lines. What stands after the last line break is not heard. */
function lineByLine(onLine: (line: string) => void): (piece: Buffer) => void {
  const decoder = new TextDecoder();
  let open = "";
  return (piece) => {
    const lines = (open + decoder.decode(piece, { stream: true })).split(/[\r\n]/);
    open = lines.pop() ?? "";
    for (const line of lines) if (line !== "") onLine(line);
  };
}
