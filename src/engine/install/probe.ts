import { fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { childArgv } from "../../base/childArgv.ts";
import { UserError } from "../../base/errors.ts";
import { HERE } from "./tool.ts";

/** What the child says when it is done. */
export type ProbeReply = { readonly device: "cpu" | "gpu" } | { readonly reason: string };

const childFile = fileURLToPath(new URL(`./probeChild${extname(import.meta.url)}`, import.meta.url));
const execArgv = childArgv(childFile);
const TIMEOUT_MS = 120_000;
const STDERR_CHARS = 1 << 14;

/**
 * Computes a small product and its gradient with a build, in a process of its own: one that crashes takes nothing with
 * it. Gives the device that computed. @throws UserError when the build does not load, crashes or computes wrongly.
 */
export function probeBuild(folder: string): Promise<"cpu" | "gpu"> {
  return new Promise((resolve, reject) => {
    const child = fork(childFile, [folder], { execArgv, stdio: ["ignore", "ignore", "pipe", "ipc"] });
    const fail = (how: string) => reject(new UserError(HERE, `the new engine ${how}`));
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-STDERR_CHARS);
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
    let reply: ProbeReply | undefined;
    child.on("message", (message: ProbeReply) => {
      reply = message;
    });
    child.on("error", (error) => fail(`could not be tried: ${error.message}`));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (reply !== undefined && "reason" in reply) fail(`does not run: ${reply.reason}`);
      else if (reply !== undefined && code === 0) resolve(reply.device);
      else fail(`crashed (${signal ?? `exit code ${code}`}): ${stderr.trim().split("\n").at(-1)}`);
    });
  });
}
