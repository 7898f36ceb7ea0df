import type { Graph, HalfType } from "../graph/graph.ts";
import type { Precision } from "../precision.ts";
import { algebra } from "./algebra.ts";
import { broadcasts } from "./broadcasts.ts";
import { commonSubexpressions } from "./commonSubexpressions.ts";
import { deadCode } from "./deadCode.ts";
import { foldConstants } from "./foldConstants.ts";
import { halfMovement, mixedPrecision } from "./mixedPrecision.ts";
import { movement } from "./movement.ts";
import { products, resultScales } from "./products.ts";
import { rowSums } from "./rowSums.ts";
import { transposes } from "./transposes.ts";

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
  { name: "transposes", run: transposes },
  { name: "rowSums", run: rowSums },
  { name: "products", run: products },
  { name: "resultScales", run: resultScales },
  { name: "movementAgain", run: movement },
  { name: "commonSubexpressionsAgain", run: commonSubexpressions },
  { name: "deadCodeAgain", run: deadCode },
];

/** Passes that follow where products are computed in 16 bits. */
function halfPasses(half: HalfType): readonly Pass[] {
  return [
    { name: "mixedPrecision", run: mixedPrecision(half) },
    { name: "halfMovement", run: halfMovement },
    { name: "commonSubexpressionsOfHalves", run: commonSubexpressions },
    { name: "deadCodeOfHalves", run: deadCode },
  ];
}

/** Every pass that a precision asks for. */
export function passesFor(precision: Precision): readonly Pass[] {
  if (precision === "f16") return [...PASSES, ...halfPasses("float16")];
  return precision === "bf16" ? [...PASSES, ...halfPasses("bfloat16")] : PASSES;
}

/** Runs every pass. `check` sees the graph after each. */
export function optimize(
  graph: Graph,
  precision: Precision = "f32",
  check?: (graph: Graph, pass: string) => void,
): Graph {
  return passesFor(precision).reduce((current, { name, run }) => {
    const next = run(current);
    check?.(next, name);
    return next;
  }, graph);
}
