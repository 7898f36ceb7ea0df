import { spawn } from "node:child_process";

/** How a program ended. */
export interface Finished {
  /** Exit code; null when it was killed. */
  readonly code: number | null;
  readonly timedOut: boolean;
  /** Whether it was killed for writing more than `maxBytes`. */
  readonly overflowed: boolean;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: Uint8Array;
  /** It is killed when it takes longer. */
  readonly timeoutMs: number;
  /** It is killed when it writes more. */
  readonly maxBytes?: number;
}

/** Text of errors that is kept. */
const STDERR_CHARS = 1 << 16;

/** Runs a program without a shell. @throws when it cannot be started. */
export function runProgram(command: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let stderr = "";
    let timedOut = false;
    let overflowed = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, options.timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      overflowed = bytes > (options.maxBytes ?? Number.POSITIVE_INFINITY);
      if (overflowed) child.kill("SIGKILL");
      else chunks.push(chunk);
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
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, timedOut, overflowed, stdout: Buffer.concat(chunks), stderr });
    });
  });
}

const found = new Map<string, Promise<boolean>>();

/** Whether `ffmpeg` or `ffprobe` is on the PATH and answers. */
export function hasProgram(name: "ffmpeg" | "ffprobe"): Promise<boolean> {
  const known = found.get(name);
  if (known !== undefined) return known;
  const asked = runProgram(name, ["-version"], { timeoutMs: 60_000 }).then(
    ({ code }) => code === 0,
    () => false,
  );
  found.set(name, asked);
  return asked;
}
