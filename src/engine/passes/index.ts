import type { Graph } from "../graph/graph.ts";
import { algebra } from "./algebra.ts";
import { broadcasts } from "./broadcasts.ts";
import { commonSubexpressions } from "./commonSubexpressions.ts";
import { deadCode } from "./deadCode.ts";
import { foldConstants } from "./foldConstants.ts";
import { movement } from "./movement.ts";
import { products, resultScales } from "./products.ts";
import { rowSums } from "./rowSums.ts";

/** Rewrites a graph into one that computes the same. */
export interface Pass {
  readonly name: string;
  readonly run: (graph: Graph) => Graph;
}

/** Every pass, in the order in which they run. */
export const PASSES: readonly Pass[] = [
  { name: "deadCode", run: deadCode },
  { name: "foldConstants", run: foldConstants },
  { name: "broadcasts", run: broadcasts },
  { name: "algebra", run: algebra },
  { name: "movement", run: movement },
  { name: "commonSubexpressions", run: commonSubexpressions },
  { name: "rowSums", run: rowSums },
  { name: "products", run: products },
  { name: "resultScales", run: resultScales },
  { name: "movementAgain", run: movement },
  { name: "commonSubexpressionsAgain", run: commonSubexpressions },
  { name: "deadCodeAgain", run: deadCode },
];

/** Runs every pass. `check` sees the graph after each. */
export function optimize(graph: Graph, check?: (graph: Graph, pass: string) => void): Graph {
  return PASSES.reduce((current, { name, run }) => {
    const next = run(current);
    check?.(next, name);
    return next;
  }, graph);
}
