import { availableParallelism } from "node:os";
import { UserError } from "../base/errors.ts";
import { eagerKinds, loadBackend } from "./eager/backends.ts";
import { createEagerEngine } from "./eager/eagerEngine.ts";
import { openBuild, verifyBuild } from "./eager/tensorflowBuild.ts";
import type { Engine } from "./engine.ts";
import type { EngineConfig, EngineKind } from "./engineConfig.ts";
import { whyNoKernels } from "./native/support.ts";
import { checkPrecision } from "./precision.ts";
import { executorNames, probeExecutor } from "./runtime/executors.ts";
import { createOnnxEngine } from "./runtime/onnxEngine.ts";
import { ProgramCache } from "./runtime/programCache.ts";

/** The engine that a configuration asks for. @throws UserError when it cannot run on this machine. */
export async function createEngine(cfg: EngineConfig): Promise<Engine> {
  const { kind, provider, precision, strict, cudaLibrary, spin, executor, kernels } = cfg;
  try {
    if (kind !== "onnx") return await createEagerEngine(kind);
    checkPrecision(provider, precision);
    const threads = cfg.threads === "auto" ? availableParallelism() : cfg.threads;
    const cache = cfg.cache ? new ProgramCache() : undefined;
    const device = provider === "cpu" ? undefined : { name: provider, tf32: precision === "tf32", cudaLibrary };
    return await createOnnxEngine({ threads, spin, executor, kernels, cache, device, strict, precision });
  } catch (error) {
    if (error instanceof UserError) throw error;
    const where = kind === "onnx" && provider !== "cpu" ? `engine.provider ${provider}` : `engine.kind ${kind}`;
    throw new UserError(where, error instanceof Error ? error.message : String(error));
  }
}

/** An engine, and whether it can run here. */
export interface EngineListing {
  readonly kind: EngineKind;
  /** How it is called or where it comes from: `onnxruntime-node, C API`, `@tensorflow/tfjs`. */
  readonly through: string;
  /** Version of what computes; undefined when it does not load. */
  readonly version: string | undefined;
  /** Where it was installed by `kinema engine install`. */
  readonly folder?: string;
  /** Why it cannot run here. */
  readonly reason: string | undefined;
}

function kernelsHere(): string {
  const reason = whyNoKernels();
  return reason === undefined ? "native kernels" : `no native kernels (${reason})`;
}

/** Tries every engine out. @param options.verify also compares the hash of every installed file. */
export async function listEngines({ verify = false } = {}): Promise<EngineListing[]> {
  const listings: EngineListing[] = [];
  for (const name of executorNames) {
    const probe = await probeExecutor(name);
    const through = name === "c" ? `onnxruntime-node, C API, ${kernelsHere()}` : "onnxruntime-node, JavaScript API";
    listings.push({ kind: "onnx", through, version: undefined, reason: undefined, ...probe });
  }
  for (const kind of eagerKinds) {
    try {
      const { packageName, ...found } = await loadBackend(kind);
      if (verify && found.folder !== undefined) await verifyBuild(openBuild(found.folder));
      listings.push({ kind, through: packageName, ...found, reason: undefined });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      listings.push({ kind, through: "tfjs", version: undefined, reason });
    }
  }
  return listings;
}
