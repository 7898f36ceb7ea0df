import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { childArgv } from "../../base/childArgv.ts";
import type { ChildLibrary, ChildReply } from "./childMessages.ts";
import type { DecodedVideo, DecodeRequest, Decoder } from "./decoder.ts";

const childFile = fileURLToPath(new URL(`./decodeChild${extname(import.meta.url)}`, import.meta.url));
const execArgv = childArgv(childFile);
/** A loaded machine may start a process slowly; that is no fault of the file. */
const START_TIMEOUT_MS = 120_000;

/**
 * Decodes in a process of its own, one file at a time. The process is killed when a file takes too long, and started
 * anew after that or after a crash.
 */
export class IsolatedDecoder implements Decoder {
  readonly name: string;
  readonly endings: readonly string[];
  private readonly library: ChildLibrary;
  private readonly timeoutMs: number;
  private child: ChildProcess | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(library: ChildLibrary, name: string, endings: readonly string[], timeoutMs: number) {
    this.library = library;
    this.name = name;
    this.endings = endings;
    this.timeoutMs = timeoutMs;
  }

  decode(request: DecodeRequest): Promise<DecodedVideo> {
    const result = this.turn.then(() => this.ask(request));
    this.turn = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    await this.turn;
    this.stop();
  }

  private async ask(request: DecodeRequest): Promise<DecodedVideo> {
    const child = this.child ?? (await this.start());
    const replied = nextReply(child, this.timeoutMs, `took longer than ${this.timeoutMs / 1000} s to decode`);
    child.send({ library: this.library, request });
    const reply = await this.stopOnFailure(replied);
    if ("video" in reply) return reply.video;
    throw new Error("reason" in reply ? reply.reason : "the decoder answered out of turn");
  }

  private async start(): Promise<ChildProcess> {
    const stdio = ["ignore", "ignore", "inherit", "ipc"] as const;
    const child = fork(childFile, [], { execArgv, serialization: "advanced", stdio: [...stdio] });
    this.child = child;
    await this.stopOnFailure(nextReply(child, START_TIMEOUT_MS, "the decoder did not start"));
    return child;
  }

  private async stopOnFailure(replied: Promise<ChildReply>): Promise<ChildReply> {
    try {
      return await replied;
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  private stop(): void {
    this.child?.kill("SIGKILL");
    this.child = undefined;
  }
}

/** The child's next message. @throws Error when it ends first, or is `late`. */
function nextReply(child: ChildProcess, timeoutMs: number, late: string): Promise<ChildReply> {
  return new Promise((resolve, reject) => {
    const onMessage = (reply: ChildReply): void => settle(() => resolve(reply));
    const onExit = (code: number | null, signal: string | null): void => {
      settle(() => reject(new Error(`the decoder crashed (${signal ?? `exit code ${code}`})`)));
    };
    const onError = (error: Error): void => settle(() => reject(new Error(`the decoder failed: ${error.message}`)));
    const timer = setTimeout(() => settle(() => reject(new Error(late))), timeoutMs);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      child.off("message", onMessage).off("exit", onExit).off("error", onError);
      act();
    };
    child.on("message", onMessage).on("exit", onExit).on("error", onError);
  });
}
