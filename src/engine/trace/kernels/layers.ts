import type { Builder } from "../../graph/builder.ts";
import type { Node } from "../../graph/graph.ts";
import { allAxes, sideAt } from "../../graph/shapes.ts";
import { traceKernel } from "../kernel.ts";

/** Kernels of this project, which `engine/ops` call when they are traced. */
traceKernel("Silu", (inputs, _, b) => b.unary("silu", inputs.of("x")));
traceKernel("Gelu", (inputs, _, b) => b.unary("gelu", inputs.of("x")));
traceKernel("SumSquares", (inputs, _, b) => {
  const x = inputs.of("x");
  return b.reshape(b.reduce("sumSquares", x, allAxes(x.shape.length)), []);
});

/** x, gain?, shift? -> y, mean, 1 / standard deviation; over the last axis. */
traceKernel<{ epsilon: number }>("LayerNorm", (inputs, { epsilon }, b) => {
  const affine = [inputs.maybe("gain"), inputs.maybe("shift")].filter((node) => node !== undefined);
  const y = b.make("layerNorm", [inputs.of("x"), ...affine], { epsilon });
  return [y, part(b, y, 1), part(b, y, 2)];
});

/** x, gain -> y, 1 / root mean square; over the last axis. */
traceKernel<{ epsilon: number }>("RmsNorm", (inputs, { epsilon }, b) => {
  const y = b.make("rmsNorm", [inputs.of("x"), inputs.of("gain")], { epsilon });
  return [y, part(b, y, 1)];
});

/** x, w, bias? -> correlation, see the graph's `conv`. */
traceKernel<{ strides: number[]; before: number[]; after: number[] }>("Conv", (inputs, attrs, b) => {
  const bias = inputs.maybe("bias");
  const operands = [inputs.of("x"), inputs.of("w")];
  return b.make("conv", bias === undefined ? operands : [...operands, bias], attrs);
});

/** x_LHd, cos_L1A, sin_L1A -> LHd: each head's halves turned. */
traceKernel("Rotary", (inputs, _, b) => {
  const [x, cos, sin] = [inputs.of("x"), inputs.of("cos"), inputs.of("sin")];
  const table = (node: Node) => b.reshape(node, [sideAt(node.shape, 0), sideAt(node.shape, -1)]);
  return b.make("rotary", [x, table(cos), table(sin)], {});
});

function part(b: Builder, node: Node, index: number): Node {
  return b.make("part", [node], { index });
}
