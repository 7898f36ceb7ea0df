import type { Builder } from "../../graph/builder.ts";
import type { Node } from "../../graph/graph.ts";
import type { ReduceOp } from "../../graph/ops.ts";
import { allAxes, droppedShape, normalAxes } from "../../graph/shapes.ts";
import { traceKernel } from "../kernel.ts";

interface AxisAttrs {
  readonly axis: number | number[] | null;
  readonly keepDims?: boolean;
}

interface ReductionAttrs {
  readonly reductionIndices: number | number[] | null;
  readonly keepDims?: boolean;
}

traceKernel<AxisAttrs>("Sum", (inputs, { axis, keepDims }, b) => {
  const x = inputs.of("x");
  return reduce(b, "sum", x.dtype === "bool" ? b.cast(x, "int32") : x, axis, keepDims);
});
traceKernel<AxisAttrs>("Mean", (inputs, { axis, keepDims }, b) =>
  reduce(b, "mean", b.cast(inputs.of("x"), "float32"), axis, keepDims),
);
traceKernel<AxisAttrs>("Prod", (inputs, { axis, keepDims }, b) => reduce(b, "prod", inputs.of("x"), axis, keepDims));
traceKernel<ReductionAttrs>("Max", (inputs, { reductionIndices, keepDims }, b) =>
  reduce(b, "reduceMax", inputs.of("x"), reductionIndices, keepDims),
);
traceKernel<AxisAttrs>("Min", (inputs, { axis, keepDims }, b) =>
  reduce(b, "reduceMin", inputs.of("x"), axis, keepDims),
);
traceKernel<AxisAttrs>("All", (inputs, { axis, keepDims }, b) =>
  b.cast(reduce(b, "reduceMin", b.cast(inputs.of("x"), "int32"), axis, keepDims), "bool"),
);
traceKernel<AxisAttrs>("Any", (inputs, { axis, keepDims }, b) =>
  b.cast(reduce(b, "reduceMax", b.cast(inputs.of("x"), "int32"), axis, keepDims), "bool"),
);

traceKernel<{ axis: number }>("ArgMax", (inputs, { axis }, b) => indexOf(b, "argMax", inputs.of("x"), axis));
traceKernel<{ axis: number }>("ArgMin", (inputs, { axis }, b) => indexOf(b, "argMin", inputs.of("x"), axis));

traceKernel<{ dim: number }>("Softmax", (inputs, { dim }, b) => {
  const x = inputs.of("logits");
  const [axis = 0] = normalAxes(dim, x.shape.length);
  return b.make("softmax", [x], { axis });
});

traceKernel<{ axis: number; exclusive: boolean; reverse: boolean }>("Cumsum", (inputs, attrs, b) => {
  const x = inputs.of("x");
  const [axis = 0] = normalAxes(attrs.axis, x.shape.length);
  return b.make("cumsum", [x], { axis, exclusive: attrs.exclusive, reverse: attrs.reverse });
});

function reduce(b: Builder, op: ReduceOp, x: Node, axis: number | number[] | null, keepDims = false): Node {
  const axes = axis === null || axis === undefined ? allAxes(x.shape.length) : normalAxes(axis, x.shape.length);
  const reduced = b.reduce(op, x, axes);
  return keepDims ? reduced : b.reshape(reduced, droppedShape(x.shape, axes));
}

function indexOf(b: Builder, op: "argMax" | "argMin", x: Node, axis: number): Node {
  const axes = normalAxes(axis ?? 0, x.shape.length);
  return b.reshape(b.make(op, [x], { axis: axes[0] ?? 0 }), droppedShape(x.shape, axes));
}
