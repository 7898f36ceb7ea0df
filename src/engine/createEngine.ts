import { availableParallelism } from "node:os";
import { z } from "zod";
import { UserError } from "../base/errors.ts";
import { eagerKinds, loadBackend } from "./eager/backends.ts";
import { createEagerEngine } from "./eager/eagerEngine.ts";
import { openBuild, verifyBuild } from "./eager/tensorflowBuild.ts";
import type { Engine } from "./engine.ts";
import { whyNoKernels } from "./native/support.ts";
import { executorNames, probeExecutor } from "./runtime/executors.ts";
import { createOnnxEngine, kernelChoices } from "./runtime/onnxEngine.ts";
import { ProgramCache } from "./runtime/programCache.ts";

export const engineKinds = ["onnx", ...eagerKinds] as const;
export type EngineKind = (typeof engineKinds)[number];

export const engineSchema = z.strictObject({
  kind: z
    .enum(engineKinds)
    .default("onnx")
    .describe(
      "What computes. onnx: compiled programs on ONNX Runtime, fastest and installed from npm alone. The others run operation by operation on a tfjs backend, for debugging: tensorflow (native, where tfjs-node or `kinema engine install tensorflow` brought it), wasm, cpu (plain JavaScript).",
    ),
  threads: z
    .union([z.literal("auto"), z.int().min(1).max(1024)])
    .default("auto")
    .describe("Threads of one run of the onnx engine; the others take what they want. auto: one for each processor."),
  spin: z
    .boolean()
    .default(true)
    .describe(
      "Let threads of the onnx engine wait busily between operations. On: 1.5 to 1.9 times as fast on an idle machine; turn it off where other work needs the processors.",
    ),
  executor: z
    .enum(["auto", ...executorNames])
    .default("auto")
    .describe(
      "How the onnx engine calls ONNX Runtime. c: its C API, faster and half the memory. js: its JavaScript API. auto: c where it loads, else js.",
    ),
  kernels: z
    .enum(kernelChoices)
    .default("auto")
    .describe(
      "What the onnx engine computes matrix products with. native: machine code made for each shape, 1.4 times as fast; needs Linux, AVX-512 and executor c. ort: ONNX Runtime's own kernels. auto: native where it runs, else ort.",
    ),
  cache: z
    .boolean()
    .default(true)
    .describe(
      "Keep the onnx engine's compiled programs in the user's cache folder ($KINEMA_CACHE, else ~/.cache/kinema), so that the next start is quicker. At most 256 MB.",
    ),
});
export type EngineConfig = z.output<typeof engineSchema>;

/** The engine that a configuration asks for. @throws UserError when it cannot run on this machine. */
export async function createEngine(cfg: EngineConfig): Promise<Engine> {
  const { kind, spin, executor, kernels } = cfg;
  try {
    if (kind !== "onnx") return await createEagerEngine(kind);
    const threads = cfg.threads === "auto" ? availableParallelism() : cfg.threads;
    const cache = cfg.cache ? new ProgramCache() : undefined;
    return await createOnnxEngine({ threads, spin, executor, kernels, cache });
  } catch (error) {
    throw new UserError(`engine.kind ${kind}`, error instanceof Error ? error.message : String(error));
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
