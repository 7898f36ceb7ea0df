import { fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { childArgv } from "../../../base/childArgv.ts";
import type { ClipRequest } from "../../../sampling/samplingConfig.ts";
import type { MeasureOptions } from "../worldModel.ts";

const childFile = fileURLToPath(new URL(`./longChild${extname(import.meta.url)}`, import.meta.url));

/** What drawing and decoding one clip took. */
export interface LongCost {
  readonly frames: number;
  /** Compiling included, loading the model not. */
  readonly wallSeconds: number;
  /** Of all threads. */
  readonly cpuSeconds: number;
  /** Most resident memory of the process that drew it, the model and the program included, in MiB. */
  readonly peakMb: number;
}

/** What the child process is asked. */
export interface LongRequest {
  readonly runDir: string;
  readonly options: Pick<MeasureOptions, "seed" | "weights" | "engine" | "overrides" | "steps" | "cfg">;
  /** Its length is 1 + a multiple of the VAE's time factor. */
  readonly clip: ClipRequest;
}

export type LongReply = { readonly cost: LongCost } | { readonly reason: string };

/**
 * Draws a clip in a process of its own and tells what that took. A process's peak of memory only grows, so clips of
 * several lengths each need their own.
 * @throws Error when the process fails.
 */
export function longCost(request: LongRequest): Promise<LongCost> {
  const child = fork(childFile, [], { execArgv: childArgv(childFile), stdio: ["ignore", "ignore", "ignore", "ipc"] });
  return new Promise((resolve, reject) => {
    child.once("message", (reply: LongReply) => {
      if ("cost" in reply) resolve(reply.cost);
      else reject(new Error(reply.reason));
    });
    child.once("exit", (code, signal) => {
      reject(new Error(`the process that draws a long clip ended: ${signal ?? `exit code ${code}`}`));
    });
    child.once("error", reject);
    child.send(request);
  });
}
