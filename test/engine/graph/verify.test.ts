import assert from "node:assert/strict";
import { Builder } from "../../../src/engine/graph/builder.ts";
import type { Graph, Node } from "../../../src/engine/graph/graph.ts";
import { verify } from "../../../src/engine/graph/verify.ts";

function small(): { graph: Graph; x: Node; y: Node } {
  const b = new Builder();
  const x = b.make("input", [], { name: "x", shape: [2, 3], dtype: "float32" });
  const y = b.unary("neg", x);
  return { graph: b.graph("small", [{ name: "y", node: y }]), x, y };
}

describe("graph verifier", () => {
  it("accepts a well formed graph", () => {
    verify(small().graph);
  });

  it("refuses a node used before it stands", () => {
    const { graph, x, y } = small();
    const early = { ...y, id: 0 };
    assert.throws(() => verify({ ...graph, nodes: [early, { ...x, id: 1 }] }), /uses node 0 before it stands/);
  });

  it("refuses a shape or dtype that the inputs do not give", () => {
    const { graph, x, y } = small();
    const broken = (node: Node): Graph => ({ ...graph, nodes: [x, node], outputs: [{ name: "y", node }] });
    assert.throws(() => verify(broken({ ...y, shape: [3, 2] })), /shape \[3,2\], its inputs give \[2,3\]/);
    assert.throws(() => verify(broken({ ...y, dtype: "int32" })), /dtype int32, its inputs give float32/);
  });

  it("refuses outputs that are no nodes, and names given twice", () => {
    const { graph, x, y } = small();
    assert.throws(() => verify({ ...graph, nodes: [x] }), /output y is no node/);
    assert.throws(() => verify({ ...graph, outputs: [{ name: "x", node: y }] }), /names repeat/);
  });

  it("refuses a part of something that has none", () => {
    const { graph, x } = small();
    const part: Node = { id: 1, op: "part", inputs: [x], attrs: { index: 1 }, shape: [2, 1], dtype: "float32" };
    assert.throws(() => verify({ ...graph, nodes: [x, part], outputs: [] }), /no part of its input/);
  });
});

describe("builder", () => {
  const b = new Builder();
  const at = (shape: number[], dtype: "float32" | "int32" = "float32") => b.fill(1, shape, dtype);

  const refusals: Record<string, () => Node> = {
    "shapes that do not broadcast": () => b.add(at([2, 3]), at([4])),
    "dtypes that differ": () => b.add(at([2]), at([2], "int32")),
    "products of unlike inner sides": () => b.matmul(at([2, 3]), at([2, 3])),
    "reshapes that lose elements": () => b.reshape(at([2, 3]), [5]),
    "slices outside their input": () => b.slice(at([4]), [2], [3]),
    "transposes that repeat an axis": () => b.transpose(at([2, 3]), [0, 0]),
    "float indices": () => b.make("gather", [at([4, 2]), at([3])], { axis: 0 }),
    "gains of another width": () => b.make("layerNorm", [at([4, 2]), at([3])], { epsilon: 1e-6 }),
  };
  for (const [what, build] of Object.entries(refusals)) {
    it(`refuses ${what}`, () => {
      assert.throws(build, /broken invariant|input/);
    });
  }
});
