import { UserError } from "../../base/errors.ts";
import type { Fallback } from "../engine.ts";
import type { ProviderName } from "../onnx/provider.ts";
import type { Session } from "./executor.ts";
import type { OrtLibrary, Pointer } from "./ortLibrary.ts";
import type { Provider } from "./provider.ts";

/** Lets a session remember which provider it gave each node to. */
export function recordPlacement(library: OrtLibrary, options: Pointer): void {
  library.call("AddSessionConfigEntry", options, "session.record_ep_graph_assignment_info", "1");
}

/** The nodes that ONNX Runtime did not give to the provider. It may list those that it did, or leave them out. */
export function findFallbacks(library: OrtLibrary, session: Pointer, provider: Provider): Fallback[] {
  return library
    .list("Session_GetEpGraphAssignmentInfo", session)
    .filter((subgraph) => library.text("EpAssignedSubgraph_GetEpName", subgraph) !== provider.providerName)
    .flatMap((subgraph) => library.list("EpAssignedSubgraph_GetNodes", subgraph))
    .map((node) => ({
      node: library.text("EpAssignedNode_GetName", node).replace(/\.\d+$/, ""),
      op: library.text("EpAssignedNode_GetOperatorType", node),
    }));
}

/** Disposes a session that leaves nodes to the processors. @throws UserError naming them. */
export async function refuseFallbacks(program: string, provider: ProviderName, session: Session): Promise<void> {
  const { fallbacks } = session;
  if (fallbacks.length === 0) return;
  await session.dispose();
  throw new UserError(`engine.strict: ${program}`, {
    expected: `every operation on ${provider}`,
    got: `${fallbacks.length} on the processors (${countOps(fallbacks)})`,
    try: "`kinema inspect graph` to see which, or engine.strict=false",
  });
}

/** `3 FusedMatMul, 1 Sign`. */
export function countOps(nodes: readonly Fallback[]): string {
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [...counts].map(([op, count]) => `${count} ${op}`).join(", ");
}
