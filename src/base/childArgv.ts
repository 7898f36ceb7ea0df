import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** Arguments for node that let a child process run a file of ours: in a checkout that is a source file, run by tsx. */
export function childArgv(file: string): string[] {
  if (!file.endsWith(".ts")) return [];
  return ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href];
}
