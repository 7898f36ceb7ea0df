import { UserError } from "../../base/errors.ts";
import { type ProgramSource, traceProgram } from "../../engine/compile.ts";
import type { Fallback } from "../../engine/engine.ts";
import type { EngineConfig } from "../../engine/engineConfig.ts";
import { printGraph } from "../../engine/graph/text.ts";
import type { ProviderName } from "../../engine/onnx/provider.ts";
import type { Precision } from "../../engine/precision.ts";
import { openExecutor } from "../../engine/runtime/executors.ts";
import { OnnxEngine } from "../../engine/runtime/onnxEngine.ts";

/** What can be told of a program without running it. */
export interface ProgramReport {
  readonly name: string;
  readonly provider: ProviderName;
  readonly precision: Precision;
  readonly nodes: number;
  /** How many nodes of each operation, most frequent first. */
  readonly ops: Readonly<Record<string, number>>;
  /** Of its matrix products and convolutions. */
  readonly flops: number;
  /** Operations that the processors would compute; null when the provider cannot be asked here. */
  readonly fallbacks: readonly Fallback[] | null;
  /** Why it cannot be asked. */
  readonly reason: string | undefined;
  readonly text: string;
}

/** Records programs, and has ONNX Runtime place them on the provider. */
export async function reportPrograms(sources: readonly ProgramSource[], cfg: EngineConfig): Promise<ProgramReport[]> {
  const placements = cfg.provider === "cpu" ? sources.map(() => []) : await placementsOf(sources, cfg);
  return sources.map(({ name, fn, signature }, i) => {
    const { provider, precision } = cfg;
    const { graph, flops } = traceProgram(name, fn, signature, precision);
    const nodes = graph.nodes.filter(({ op }) => op !== "input");
    const fallbacks = Array.isArray(placements) ? (placements[i] ?? []) : null;
    const notes = new Map(fallbacks?.map(({ node, op }) => [node, `${op} runs on the processors`]));
    return {
      name,
      provider,
      precision,
      nodes: nodes.length,
      ops: countOf(nodes.map(({ op }) => op)),
      flops,
      fallbacks,
      reason: Array.isArray(placements) ? undefined : placements.reason,
      text: printGraph(graph, notes),
    };
  });
}

/** Where each program's nodes go, or why that cannot be found out. */
async function placementsOf(
  sources: readonly ProgramSource[],
  cfg: EngineConfig,
): Promise<(readonly Fallback[])[] | { readonly reason: string }> {
  const engine = await openUnprobed(cfg).catch((error: unknown) => ({
    reason: (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "",
  }));
  if ("reason" in engine) return engine;
  try {
    const placements: (readonly Fallback[])[] = [];
    for (const { name, fn, signature } of sources) {
      const program = await engine.compile(name, fn, signature);
      placements.push(program.fallbacks);
      await program.dispose();
    }
    return placements;
  } finally {
    await engine.dispose();
  }
}

/** An engine that only places programs: also in a precision that this machine's device cannot run. */
async function openUnprobed({ provider, precision, cudaLibrary }: EngineConfig): Promise<OnnxEngine> {
  if (provider === "cpu") throw new UserError("engine.provider", { expected: "a device", got: provider });
  const device = { name: provider, tf32: precision === "tf32", cudaLibrary };
  return new OnnxEngine(await openExecutor("auto", { threads: 1, spin: false }, device), { precision });
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1]));
}
