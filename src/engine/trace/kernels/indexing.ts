import type { GatherV2Attrs, OneHotAttrs } from "@tensorflow/tfjs";
import { assert } from "../../../base/errors.ts";
import { sizeOf } from "../../../base/tensors.ts";
import type { Builder } from "../../graph/builder.ts";
import type { Node } from "../../graph/graph.ts";
import { normalAxes, sideAt } from "../../graph/shapes.ts";
import { hostDType } from "../backend.ts";
import { traceKernel } from "../kernel.ts";

traceKernel<GatherV2Attrs>("GatherV2", (inputs, { axis, batchDims }, b) => {
  const [x, indices] = [inputs.of("x"), inputs.of("indices")];
  assert((batchDims ?? 0) === 0, "GatherV2: batch axes cannot be compiled; fold them into the indices");
  const [at = 0] = normalAxes(axis, x.shape.length);
  return b.make("gather", [x, b.cast(indices, "int32")], { axis: at });
});

/** Above this many comparisons of row and segment, rows are scattered one by one instead of multiplied by a one-hot. */
const MOST_COMPARISONS = 1 << 20;

traceKernel<{ numSegments: number }>("UnsortedSegmentSum", (inputs, { numSegments }, b) => {
  const [x, ids] = [b.cast(inputs.of("x"), "float32"), b.cast(inputs.of("segmentIds"), "int32")];
  return sumRows(b, x, ids, numSegments);
});

/** indices [..., K] into the first K axes of `shape`; repeated ones add up. */
traceKernel<{ shape: number[] }>("ScatterNd", (inputs, { shape }, b) => {
  const [indices, updates] = [b.cast(inputs.of("indices"), "int32"), inputs.of("updates")];
  const numAxes = sideAt(indices.shape, -1);
  const rows = shape.slice(0, numAxes);
  const numUpdates = sizeOf(indices.shape) / numAxes;
  const strides = rows.map((_, axis) => sizeOf(rows.slice(axis + 1)));
  const stride = b.make("constant", [], { data: Int32Array.from(strides), shape: [numAxes], dtype: "int32" });
  const flat = b.reduce("sum", b.mul(b.reshape(indices, [numUpdates, numAxes]), stride), [1]);
  const x = b.reshape(updates, [numUpdates, ...shape.slice(numAxes)]);
  return b.reshape(sumRows(b, x, b.reshape(flat, [numUpdates]), sizeOf(rows)), shape);
});

traceKernel<OneHotAttrs>("OneHot", (inputs, { depth, onValue, offValue, dtype }, b) => {
  const is = oneHot(b, b.cast(inputs.of("indices"), "int32"), depth);
  const to = hostDType(dtype);
  return b.make("where", [is, b.scalar(onValue, to), b.scalar(offValue, to)], {});
});

/** indices [...] -> bool [..., depth]; false everywhere for an index out of range. */
function oneHot(b: Builder, indices: Node, depth: number): Node {
  const data = Int32Array.from({ length: depth }, (_, i) => i);
  const range = b.make("constant", [], { data, shape: [depth], dtype: "int32" });
  return b.binary("equal", b.reshape(indices, [...indices.shape, 1]), range);
}

/** x [ids..., row...] -> [numSegments, row...]: the sum of the rows of each segment. */
function sumRows(b: Builder, x: Node, ids: Node, numSegments: number): Node {
  const row = x.shape.slice(ids.shape.length);
  const numRows = sizeOf(ids.shape);
  const flatIds = b.reshape(ids, [numRows]);
  const result = [numSegments, ...row];
  if (x.dtype === "float32" && numRows * numSegments <= MOST_COMPARISONS) {
    const weights = b.cast(oneHot(b, flatIds, numSegments), "float32");
    return b.reshape(b.matmul(weights, b.reshape(x, [numRows, sizeOf(row)]), { transA: true }), result);
  }
  const zeros = b.fill(0, [numSegments, sizeOf(row)], x.dtype);
  const sums = b.make("scatterAdd", [zeros, flatIds, b.reshape(x, [numRows, sizeOf(row)])], {});
  return b.reshape(sums, result);
}
