import { spawn } from "node:child_process";

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
  readonly input?: Uint8Array;
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
    child.stdin.end(options.input);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, timedOut, overflowed, stdout: Buffer.concat(chunks), stderr });
    });
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
