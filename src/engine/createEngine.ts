import { availableParallelism } from "node:os";
import { UserError } from "../base/errors.ts";
import { createEagerEngine } from "./eager/eagerEngine.ts";
import type { Engine } from "./engine.ts";
import type { EngineConfig } from "./engineConfig.ts";
import { checkPrecision } from "./precision.ts";
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
