import Module, { createRequire } from "node:module";
import { join } from "node:path";
import type { KernelBackend } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { assert } from "../../base/errors.ts";
import { loadCudaLibraries } from "./cudaLibraries.ts";
import { buildLayout, type TensorflowBuild } from "./tensorflowBuild.ts";

/** Packages that tfjs-node imports and that must be our own tfjs: there may be only one engine and one `Tensor`. */
export const sharedPackages = ["@tensorflow/tfjs", "@tensorflow/tfjs-core"] as const;

interface BackendModule {
  readonly NodeJSKernelBackend: new (addon: unknown, packageName: string) => KernelBackend;
}

/** Registers tfjs' backend `tensorflow` with a build's kernels and library. @throws Error when the library does not load. */
export function registerBuild({ folder, manifest }: TensorflowBuild): void {
  if (manifest.variant === "gpu") loadCudaLibraries(join(folder, buildLayout.cuda));
  const load = createRequire(join(folder, buildLayout.package, "package.json"));
  for (const name of sharedPackages) share(load, name);
  const addon: unknown = load(join(folder, buildLayout.addon));
  load("./dist/register_all_kernels");
  const { NodeJSKernelBackend } = load("./dist/nodejs_kernel_backend") as BackendModule;
  const packageName = manifest.packages[0]?.name;
  assert(packageName !== undefined, "a build's first package is its binding");
  if (tf.findBackendFactory("tensorflow") != null) tf.removeBackend("tensorflow");
  tf.registerBackend("tensorflow", () => new NodeJSKernelBackend(addon, packageName));
}

/** Puts our tfjs in the place where the build would find its own. */
function share(load: NodeJS.Require, name: string): void {
  const place = load.resolve(name);
  const shared = new Module(place);
  shared.exports = createRequire(import.meta.url)("@tensorflow/tfjs");
  shared.loaded = true;
  load.cache[place] = shared;
}
