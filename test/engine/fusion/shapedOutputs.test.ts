import assert from "node:assert/strict";
import { planKernels } from "../../../src/engine/fusion/kernelPlan.ts";
import { shapeOutputs } from "../../../src/engine/fusion/shapedOutputs.ts";
import { Builder } from "../../../src/engine/graph/builder.ts";
import type { Node } from "../../../src/engine/graph/graph.ts";
import { avx512 } from "../../../src/engine/native/asm/vectorIsa.ts";

describe("results in the shape that they are reshaped to", () => {
  /** Sums of rows, reshaped for `read`; what is left of the program. */
  function plan(read: (b: Builder, sums: Node) => Node[]) {
    const b = new Builder();
    const x = b.make("input", [], { name: "x", shape: [16, 8, 32], dtype: "float32" });
    const sums = b.reduce("sum", b.mul(x, x), [1]);
    const outputs = read(b, sums).map((node, i) => ({ name: `y${i}`, node }));
    const graph = b.graph("p", outputs);
    const isOutput = (node: Node) => outputs.some((output) => output.node === node);
    const items = shapeOutputs(planKernels(graph, avx512, { elements: 1, columns: 1 }), isOutput);
    const [kernel] = items.flatMap((item) => ("kernel" in item ? [item.kernel] : []));
    assert.ok(kernel !== undefined && kernel.spec.kind === "loop");
    const nodes = items.flatMap((item) => ("node" in item && item.node.op !== "input" ? [item.node.op] : []));
    return { nodes, written: kernel.outputs, shapes: kernel.spec.outputs.map(({ shape }) => shape) };
  }

  it("drops the only reshape of a result, for another operator and as an output", () => {
    const concat = plan((b, sums) => {
      const rows = b.reshape(sums, [2, 8, 32]);
      return [b.make("concat", [rows, rows], { axis: 1 })];
    });
    assert.deepEqual(concat.nodes, ["concat"]);
    assert.deepEqual(concat.shapes, [[2, 8, 32]]);
    const output = plan((b, sums) => [b.reshape(sums, [512])]);
    assert.deepEqual(output.nodes, []);
    assert.deepEqual([output.shapes, output.written[0]?.op], [[[512]], "reshape"]);
  });

  it("keeps the shape of a result that is read as it is, reshaped in two ways, or an output itself", () => {
    const asItIs = plan((b, sums) => [b.reshape(sums, [512]), b.make("concat", [sums, sums], { axis: 0 })]);
    assert.deepEqual([asItIs.nodes.toSorted(), asItIs.shapes], [["concat", "reshape"], [[16, 1, 32]]]);
    const twoWays = plan((b, sums) => [b.reshape(sums, [512]), b.reshape(sums, [8, 64])]);
    assert.deepEqual([twoWays.nodes, twoWays.shapes], [["reshape", "reshape"], [[16, 1, 32]]]);
    const output = plan((b, sums) => [b.reshape(sums, [512]), sums]);
    assert.deepEqual([output.nodes, output.shapes], [["reshape"], [[16, 1, 32]]]);
  });
});
