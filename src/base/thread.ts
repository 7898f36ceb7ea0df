import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * Starts a worker thread that runs a file of ours. In a checkout that is a source file: the thread first registers what
 * loads TypeScript, which it does not inherit on Node 20.
 */
export function startThread(file: URL, options: Omit<WorkerOptions, "eval" | "execArgv">): Worker {
  const isSource = file.pathname.endsWith(".ts");
  if (!isSource) return new Worker(file, { ...options, execArgv: [] });
  const start = `require("node:module").register("tsx/esm", { parentURL: "${file}", data: true }); import("${file}");`;
  return new Worker(start, { ...options, execArgv: [], eval: true });
}
