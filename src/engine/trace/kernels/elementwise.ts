import type { CastAttrs, ClipByValueAttrs, LeakyReluAttrs, StepAttrs } from "@tensorflow/tfjs";
import { assert } from "../../../base/errors.ts";
import type { Builder } from "../../graph/builder.ts";
import type { Node } from "../../graph/graph.ts";
import type { BinaryOp, UnaryOp } from "../../graph/ops.ts";
import { allAxes, broadcastShapes } from "../../graph/shapes.ts";
import { hostDType } from "../backend.ts";
import { traceKernel } from "../kernel.ts";

const UNARY: Readonly<Record<string, UnaryOp>> = {
  Abs: "abs",
  Acos: "acos",
  Acosh: "acosh",
  Asin: "asin",
  Asinh: "asinh",
  Atan: "atan",
  Atanh: "atanh",
  Ceil: "ceil",
  Cos: "cos",
  Cosh: "cosh",
  Erf: "erf",
  Exp: "exp",
  Floor: "floor",
  IsNan: "isNan",
  LogicalNot: "not",
  Log: "log",
  Neg: "neg",
  Reciprocal: "reciprocal",
  Relu: "relu",
  Round: "round",
  Sigmoid: "sigmoid",
  Sign: "sign",
  Sin: "sin",
  Sinh: "sinh",
  Softplus: "softplus",
  Sqrt: "sqrt",
  Tan: "tan",
  Tanh: "tanh",
};

const BINARY: Readonly<Record<string, BinaryOp>> = {
  Add: "add",
  Sub: "sub",
  Multiply: "mul",
  RealDiv: "div",
  Pow: "pow",
  Maximum: "max",
  Minimum: "min",
  Equal: "equal",
  Greater: "greater",
  GreaterEqual: "greaterEqual",
  Less: "less",
  LessEqual: "lessEqual",
  LogicalAnd: "and",
  LogicalOr: "or",
};

for (const [kernel, op] of Object.entries(UNARY)) {
  traceKernel(kernel, (inputs, _, b) => b.unary(op, inputs.of("x")));
}
for (const [kernel, op] of Object.entries(BINARY)) {
  traceKernel(kernel, (inputs, _, b) => b.binary(op, inputs.of("a"), inputs.of("b")));
}

traceKernel("NotEqual", (inputs, _, b) => b.unary("not", b.binary("equal", inputs.of("a"), inputs.of("b"))));
traceKernel("AddN", (inputs, _, b) => inputs.list.reduce((sum, x) => b.add(sum, x)));
traceKernel("Square", (inputs, _, b) => square(b, inputs.of("x")));
traceKernel("SquaredDifference", (inputs, _, b) => square(b, b.sub(inputs.of("a"), inputs.of("b"))));
traceKernel("Rsqrt", (inputs, _, b) => b.unary("reciprocal", b.unary("sqrt", inputs.of("x"))));
traceKernel("Expm1", (inputs, _, b) => b.sub(b.unary("exp", inputs.of("x")), b.scalar(1)));
traceKernel("Log1p", (inputs, _, b) => b.unary("log", b.add(inputs.of("x"), b.scalar(1))));
traceKernel("Relu6", (inputs, _, b) => clip(b, inputs.of("x"), 0, 6));
traceKernel<ClipByValueAttrs>("ClipByValue", (inputs, { clipValueMin, clipValueMax }, b) =>
  clip(b, inputs.of("x"), clipValueMin, clipValueMax),
);

traceKernel("IsFinite", (inputs, _, b) => {
  const difference = b.sub(inputs.of("x"), inputs.of("x"));
  return b.binary("equal", difference, b.scalar(0));
});
traceKernel("IsInf", (inputs, _, b) => b.binary("equal", b.unary("abs", inputs.of("x")), b.scalar(Infinity)));

traceKernel("Elu", (inputs, _, b) => {
  const x = inputs.of("x");
  const below = b.sub(b.unary("exp", b.binary("min", x, b.scalar(0))), b.scalar(1));
  return b.make("where", [b.binary("greaterEqual", x, b.scalar(0)), x, below], {});
});
/** dy, and y = elu(x): dy where y >= 0, dy * (y + 1) below. */
traceKernel("EluGrad", (inputs, _, b) =>
  b.mul(inputs.of("dy"), b.add(b.binary("min", inputs.of("y"), b.scalar(0)), b.scalar(1))),
);
traceKernel<LeakyReluAttrs>("LeakyRelu", (inputs, { alpha }, b) => {
  const x = inputs.of("x");
  return b.make("where", [b.binary("less", x, b.scalar(0)), b.mul(x, b.scalar(alpha)), x], {});
});
traceKernel<StepAttrs>("Step", (inputs, { alpha }, b) => {
  const x = inputs.of("x");
  const step = b.make("where", [b.binary("greater", x, b.scalar(0)), b.scalar(1), b.scalar(alpha)], {});
  return b.make("where", [b.unary("isNan", x), x, step], {});
});

traceKernel("Mod", (inputs, _, b) => {
  const [x, y] = [inputs.of("a"), inputs.of("b")];
  return x.dtype === "int32" ? b.binary("mod", x, y) : b.sub(x, b.mul(b.unary("floor", b.div(x, y)), y));
});
traceKernel("FloorDiv", (inputs, _, b) => {
  const [x, y] = [inputs.of("a"), inputs.of("b")];
  return x.dtype === "int32"
    ? b.div(b.sub(x, b.binary("mod", x, y)), y)
    : b.cast(b.unary("floor", b.div(x, y)), "int32");
});

/** condition, t, e. A condition of rank 1 chooses whole rows. */
traceKernel("Select", (inputs, _, b) => {
  const [condition, yes, no] = [inputs.of("condition"), inputs.of("t"), inputs.of("e")];
  const perRow = condition.shape.length === 1 && yes.shape.length > 1;
  const rows = perRow ? [...condition.shape, ...yes.shape.slice(1).map(() => 1)] : condition.shape;
  return b.make("where", [b.reshape(condition, rows), yes, no], {});
});

traceKernel("Identity", (inputs) => inputs.of("x"));
traceKernel<CastAttrs>("Cast", (inputs, { dtype }, b) => b.cast(inputs.of("x"), hostDType(dtype)));

/** x, alpha: x where x >= 0, alpha * x below. */
traceKernel("Prelu", (inputs, _, b) => {
  const [x, alpha] = [inputs.of("x"), inputs.of("alpha")];
  assert(broadcastShapes(x.shape, alpha.shape).length === allAxes(x.shape.length).length, "alpha broadcasts to x");
  return b.make("where", [b.binary("less", x, b.scalar(0)), b.mul(alpha, x), x], {});
});

function square(b: Builder, x: Node): Node {
  return b.mul(x, x);
}

function clip(b: Builder, x: Node, low: number, high: number): Node {
  return b.binary("min", b.binary("max", x, b.scalar(low, x.dtype)), b.scalar(high, x.dtype));
}
