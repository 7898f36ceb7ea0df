import type { Graph } from "../graph/graph.ts";
import { deadCode } from "./deadCode.ts";

/** Rewrites a graph into one that computes the same. */
export interface Pass {
  readonly name: string;
  readonly run: (graph: Graph) => Graph;
}

/** Every pass, in the order in which they run. */
export const PASSES: readonly Pass[] = [{ name: "deadCode", run: deadCode }];

/** Runs every pass. `check` sees the graph after each. */
export function optimize(graph: Graph, check?: (graph: Graph, pass: string) => void): Graph {
  return PASSES.reduce((current, { name, run }) => {
    const next = run(current);
    check?.(next, name);
    return next;
  }, graph);
}
