import { createRequire } from "node:module";
import util from "node:util";
import * as tf from "@tensorflow/tfjs";
import { registerBuild } from "./tensorflowBackend.ts";
import { findBuilds, openBuild } from "./tensorflowBuild.ts";
import { alignKernels } from "./tensorflowKernels.ts";

/** tfjs backends that compute at once. `tensorflow` is native, `wasm` portable, `cpu` plain JavaScript. */
export const eagerKinds = ["tensorflow", "wasm", "cpu"] as const;
export type EagerKind = (typeof eagerKinds)[number];

/** npm packages that bring each backend, best first. `cpu` comes with tfjs itself. */
const packages: Readonly<Record<EagerKind, readonly string[]>> = {
  tensorflow: ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"],
  wasm: ["@tensorflow/tfjs-backend-wasm"],
  cpu: ["@tensorflow/tfjs"],
};

const remedies: Readonly<Record<EagerKind, string>> = {
  tensorflow: "kinema engine install tensorflow",
  wasm: "npm install @tensorflow/tfjs-backend-wasm",
  cpu: "npm install @tensorflow/tfjs",
};

/** Where a loaded backend came from. */
export interface LoadedBackend {
  /** The npm package, or `libtensorflow` for a build of `kinema engine install tensorflow`. */
  readonly packageName: string;
  readonly version: string;
  /** The folder of that build. */
  readonly folder?: string;
}

/** One place that a backend may come from. */
interface Source {
  readonly name: string;
  load(): Promise<LoadedBackend>;
}

const loaded = new Map<EagerKind, LoadedBackend>();

/**
 * Loads a backend and starts it, once in a process. tfjs' current backend stays as it is.
 * @throws Error telling what to install when no source of the backend loads.
 */
export async function loadBackend(kind: EagerKind): Promise<LoadedBackend> {
  const known = loaded.get(kind);
  if (known !== undefined) return known;
  // tfjs prints a banner that advertises tfjs-node whenever its cpu backend starts in Node; this flag is what silences it.
  tf.env().set("PROD", true);
  const reasons: string[] = [];
  for (const source of await sourcesOf(kind)) {
    try {
      const backend = await source.load();
      await startBackend(kind);
      loaded.set(kind, backend);
      return backend;
    } catch (error) {
      reasons.push(`${source.name} ${explain(error)}`);
    }
  }
  throw new Error(`${reasons.join("; ")}; try ${remedies[kind]}`);
}

/** What may bring a backend, best first: for TensorFlow the user's own package, then builds in the cache. */
async function sourcesOf(kind: EagerKind): Promise<Source[]> {
  const fromPackages = packages[kind].map((name) => ({ name, load: () => loadPackage(name) }));
  if (kind !== "tensorflow") return fromPackages;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "1";
  const builds = await findBuilds();
  return [...fromPackages, ...builds.map((folder) => ({ name: folder, load: async () => loadBuild(folder) }))];
}

async function loadPackage(packageName: string): Promise<LoadedBackend> {
  if (packageName !== "@tensorflow/tfjs") await importPackage(packageName);
  return { packageName, version: packageVersion(packageName) };
}

/** Loads and starts one build, to prove that it runs. @throws Error when it does not. */
export async function startBuild(folder: string): Promise<LoadedBackend> {
  const backend = loadBuild(folder);
  await startBackend("tensorflow");
  return backend;
}

function loadBuild(folder: string): LoadedBackend {
  restoreIsNullOrUndefined();
  const build = openBuild(folder);
  registerBuild(build);
  return { packageName: "libtensorflow", version: build.manifest.tensorflow, folder };
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
  if (kind === "tensorflow") alignKernels();
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
