import { createRequire } from "node:module";
import util from "node:util";
import * as tf from "@tensorflow/tfjs";

/** tfjs backends that compute at once. `tensorflow` is native, `wasm` portable, `cpu` plain JavaScript. */
export const eagerKinds = ["tensorflow", "wasm", "cpu"] as const;
export type EagerKind = (typeof eagerKinds)[number];

/** npm packages that bring each backend, best first. `cpu` comes with tfjs itself. */
const packages: Readonly<Record<EagerKind, readonly string[]>> = {
  tensorflow: ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"],
  wasm: ["@tensorflow/tfjs-backend-wasm"],
  cpu: ["@tensorflow/tfjs"],
};

/** The package that a loaded backend came from, and its version. */
export interface LoadedBackend {
  readonly packageName: string;
  readonly version: string;
}

/**
 * Loads a backend and starts it. tfjs' current backend stays as it is.
 * @throws Error telling what to install when no package of the backend loads.
 */
export async function loadBackend(kind: EagerKind): Promise<LoadedBackend> {
  // tfjs prints a banner that advertises tfjs-node whenever its cpu backend starts in Node; this flag is what silences it.
  tf.env().set("PROD", true);
  const reasons: string[] = [];
  for (const packageName of packages[kind]) {
    try {
      if (packageName !== "@tensorflow/tfjs") await importPackage(packageName);
      await startBackend(kind);
      return { packageName, version: packageVersion(packageName) };
    } catch (error) {
      reasons.push(`${packageName} ${explain(error)}`);
    }
  }
  throw new Error(`${reasons.join("; ")}; try npm install ${packages[kind].at(-1)}`);
}

/** Does synchronous work on a backend that was loaded before, and restores the one that was current. */
export function onBackend<T>(kind: EagerKind, work: () => T): T {
  const before = currentBackend();
  if (before === kind) return work();
  switchTo(kind);
  try {
    return work();
  } finally {
    if (before !== undefined) switchTo(before);
  }
}

/** Undefined until the first backend of the process is set. */
function currentBackend(): string | undefined {
  return tf.getBackend();
}

/** `setBackend` takes effect before it returns: every backend here starts synchronously or was started before. */
function switchTo(backend: string): void {
  void tf.setBackend(backend);
}

async function startBackend(kind: EagerKind): Promise<void> {
  const before = currentBackend();
  if (!(await tf.setBackend(kind))) throw new Error(`registers no backend named ${kind} that starts`);
  if (before !== undefined && before !== kind) await tf.setBackend(before);
}

async function importPackage(name: string): Promise<void> {
  restoreIsNullOrUndefined();
  await import(name);
}

/** tfjs-node 4 calls this function of `util`, which Node 23 removed. */
function restoreIsNullOrUndefined(): void {
  if ("isNullOrUndefined" in util) return;
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined });
}

function packageVersion(name: string): string {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string };
  return version;
}

function explain(error: unknown): string {
  const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
  if (isMissing) return "is not installed";
  return `does not load (${(error instanceof Error ? error.message : String(error)).split("\n", 1)[0]})`;
}
