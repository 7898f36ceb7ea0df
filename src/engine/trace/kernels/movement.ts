import type { PadV2Attrs, SplitVAttrs, StridedSliceAttrs, TileAttrs, TransposeAttrs } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { assert } from "../../../base/errors.ts";
import { sizeOf } from "../../../base/tensors.ts";
import type { Builder } from "../../graph/builder.ts";
import { fullType, type Node } from "../../graph/graph.ts";
import { allAxes, droppedShape, normalAxes, sideAt } from "../../graph/shapes.ts";
import { traceKernel } from "../kernel.ts";

traceKernel<{ shape: number[] }>("Reshape", (inputs, { shape }, b) => {
  const x = inputs.of("x");
  return b.reshape(x, tf.util.inferFromImplicitShape(shape, sizeOf(x.shape)));
});
traceKernel<{ dim: number }>("ExpandDims", (inputs, { dim }, b) => {
  const shape = [...inputs.of("input").shape];
  shape.splice(dim < 0 ? dim + shape.length + 1 : dim, 0, 1);
  return b.reshape(inputs.of("input"), shape);
});
traceKernel<TransposeAttrs>("Transpose", (inputs, { perm }, b) => b.transpose(inputs.of("x"), perm));

/** Repeats of a side of 1 are broadcasts; others go through an axis of their own. */
traceKernel<TileAttrs>("Tile", (inputs, { reps }, b) => {
  const x = inputs.of("x");
  const apart = x.shape.flatMap((side) => (side === 1 ? [1] : [1, side]));
  const repeated = x.shape.flatMap((side, axis) => (side === 1 ? [sideAt(reps, axis)] : [sideAt(reps, axis), side]));
  const joined = x.shape.map((side, axis) => side * sideAt(reps, axis));
  return b.reshape(b.broadcast(b.reshape(x, apart), repeated), joined);
});

traceKernel<{ begin: number | number[]; size: number | number[] }>("Slice", (inputs, { begin, size }, b) => {
  const x = inputs.of("x");
  const [first = [], sides = []] = tf.slice_util.parseSliceParams(placeholder(x), begin, size);
  return b.slice(x, first, sides);
});

traceKernel<StridedSliceAttrs>("StridedSlice", (inputs, attrs, b) => {
  const x = inputs.of("x");
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attrs;
  const masks = [beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask] as const;
  const info = tf.slice_util.sliceInfo([...x.shape], begin, end, strides, ...masks);
  const size = info.begin.map((first, i) => {
    const span = (sideAt(info.end, i) - first) / sideAt(info.strides, i);
    return Math.max(0, Math.ceil(span));
  });
  return b.reshape(b.slice(x, info.begin, size, info.strides), info.finalShape);
});

traceKernel<SplitVAttrs>("SplitV", (inputs, { numOrSizeSplits, axis }, b) => {
  const x = inputs.of("x");
  const [at = 0] = normalAxes(axis, x.shape.length);
  let first = 0;
  return tf.backend_util.prepareSplitSize(placeholder(x), numOrSizeSplits, at).map((side) => {
    const part = cut(b, x, at, first, side);
    first += side;
    return part;
  });
});

traceKernel<{ axis: number }>("Unpack", (inputs, { axis }, b) => {
  const x = inputs.of("value");
  const [at = 0] = normalAxes(axis, x.shape.length);
  const shape = droppedShape(x.shape, [at]);
  return Array.from({ length: sideAt(x.shape, at) }, (_, i) => b.reshape(cut(b, x, at, i, 1), shape));
});

traceKernel<{ axis: number }>("Pack", (inputs, { axis }, b) => {
  const rank = (inputs.list[0]?.shape.length ?? 0) + 1;
  const [at = 0] = normalAxes(axis, rank);
  const parts = inputs.list.map((x) => b.reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]));
  return b.concat(parts, at);
});

/** tfjs lets empty tensors of any rank join in; they add nothing. */
traceKernel<{ axis: number }>("Concat", (inputs, { axis }, b) => {
  const parts = inputs.list.filter((x) => sizeOf(x.shape) > 0);
  const [first] = parts;
  assert(first !== undefined, "Concat: every part is empty");
  const [at = 0] = normalAxes(axis, first.shape.length);
  return b.concat(parts, at);
});

traceKernel<PadV2Attrs>("PadV2", (inputs, { paddings, constantValue }, b) =>
  b.pad(
    inputs.of("x"),
    paddings.map(([before]) => before),
    paddings.map(([, after]) => after),
    constantValue,
  ),
);

traceKernel<{ dims?: number | number[] | null }>("Reverse", (inputs, { dims }, b) => {
  const x = inputs.of("x");
  const turned = normalAxes(dims ?? allAxes(x.shape.length), x.shape.length);
  const begin = x.shape.map((side, axis) => (turned.includes(axis) ? side - 1 : 0));
  const step = allAxes(x.shape.length).map((axis) => (turned.includes(axis) ? -1 : 1));
  return b.slice(x, begin, x.shape, step);
});

function cut(b: Builder, x: Node, axis: number, first: number, side: number): Node {
  const begin = x.shape.map((_, i) => (i === axis ? first : 0));
  return b.slice(
    x,
    begin,
    x.shape.map((whole, i) => (i === axis ? side : whole)),
  );
}

/** tfjs' helpers ask for a tensor but look at its shape only. */
function placeholder(x: Node): tf.TensorInfo & { rank: number } {
  return { dataId: {}, dtype: fullType(x.dtype), shape: [...x.shape], rank: x.shape.length };
}
