import { sizeOf } from "../../base/tensors.ts";
import type { Builder } from "../graph/builder.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { sideAt } from "../graph/shapes.ts";
import { rewrite } from "../passes/rewrite.ts";

/** Groups that rows are summed up in, if nothing else says how many. */
const MOST_GROUPS = 16;
/** Fewer rows than this to a group cost more than they gain. */
const FEWEST_ROWS = 8;
/** Smaller tensors are summed as they are. */
const FEWEST_ELEMENTS = 16 * 1024;
/** Columns that a sum over everything is cut into. */
const COLUMNS = 4096;

/**
 * Cuts long sums in two, so that loops can take the first part in and threads can share it: sums over all rows, which
 * stand in graphs as products with ones, into sums over groups of rows; sums over everything into sums of rows.
 */
export function splitSums(graph: Graph): Graph {
  return rewrite(graph, (node, b) => rowSum(node, b) ?? wholeSum(node, b));
}

function rowSum(node: Node, b: Builder): Node | undefined {
  const [ones, x] = node.inputs;
  if (node.op !== "matmul" || ones?.op !== "fill" || x?.shape.length !== 2 || node.shape[0] !== 1) return undefined;
  const { transA, transB, alpha } = node.attrs;
  if (transA || transB || sizeOf(x.shape) < FEWEST_ELEMENTS) return undefined;
  const [rows, columns] = [sideAt(x.shape, 0), sideAt(x.shape, 1)];
  const groups = groupsOf(x, rows);
  if (groups === 1) return undefined;
  const parts = b.reduce("sum", b.reshape(x, [groups, rows / groups, columns]), [1]);
  const sum = b.reduce("sum", b.reshape(parts, [groups, columns]), [0]);
  const factor = alpha * ones.attrs.value;
  return factor === 1 ? sum : b.mul(sum, b.scalar(factor));
}

/** The groups in which the rows were made, such as the strips of a pack: then the loop that makes them sums them up. */
function groupsOf(x: Node, rows: number): number {
  const [source] = x.inputs;
  const made = x.op === "reshape" && source?.shape.length === 3 ? sideAt(source.shape, 0) : 0;
  if (made > 1 && source?.shape[2] === x.shape[1] && rows / made >= FEWEST_ROWS) return made;
  for (let groups = MOST_GROUPS; groups > 1; groups--)
    if (rows % groups === 0 && rows / groups >= FEWEST_ROWS) return groups;
  return 1;
}

function wholeSum(node: Node, b: Builder): Node | undefined {
  const [x] = node.inputs;
  if ((node.op !== "sum" && node.op !== "sumSquares") || x?.dtype !== "float32") return undefined;
  const size = sizeOf(x.shape);
  if (sizeOf(node.shape) !== 1 || size < 2 * COLUMNS || size % COLUMNS !== 0) return undefined;
  const rows = b.reshape(x, [size / COLUMNS, COLUMNS]);
  const sums = b.reduce("sum", node.op === "sum" ? rows : b.mul(rows, rows), [1]);
  return b.reshape(b.reduce("sum", sums, [0, 1]), node.shape);
}
