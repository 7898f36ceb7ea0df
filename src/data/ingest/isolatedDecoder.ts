import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { ChildLibrary, ChildReply, ChildRequest } from "./decodeChild.ts";
import type { DecodedVideo, DecodeRequest, Decoder } from "./decoder.ts";

const childFile = fileURLToPath(new URL(`./decodeChild${extname(import.meta.url)}`, import.meta.url));

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
    const result = this.turn.then(() => this.ask({ library: this.library, request }));
    this.turn = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    await this.turn;
    this.stop();
  }

  private ask(message: ChildRequest): Promise<DecodedVideo> {
    this.child ??= fork(childFile, [], { serialization: "advanced", stdio: ["ignore", "ignore", "inherit", "ipc"] });
    const { child } = this;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        child.off("message", onMessage);
        child.off("exit", onExit);
        child.off("error", onError);
        act();
      };
      const fail = (reason: string): void => {
        settle(() => {
          this.stop();
          reject(new Error(reason));
        });
      };
      const onMessage = (reply: ChildReply): void => {
        settle(() => ("video" in reply ? resolve(reply.video) : reject(new Error(reply.reason))));
      };
      const onExit = (code: number | null, signal: string | null): void => {
        fail(`the decoder crashed (${signal ?? `exit code ${code}`})`);
      };
      const onError = (error: Error): void => fail(`the decoder failed: ${error.message}`);
      const timer = setTimeout(() => fail(`took longer than ${this.timeoutMs / 1000} s to decode`), this.timeoutMs);
      child.on("message", onMessage);
      child.on("exit", onExit);
      child.on("error", onError);
      child.send(message);
    });
  }

  private stop(): void {
    this.child?.kill("SIGKILL");
    this.child = undefined;
  }
}
