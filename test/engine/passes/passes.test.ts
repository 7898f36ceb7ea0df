import assert from "node:assert/strict";
import { Builder } from "../../../src/engine/graph/builder.ts";
import type { Graph, Node } from "../../../src/engine/graph/graph.ts";
import { printGraph } from "../../../src/engine/graph/text.ts";
import { verify } from "../../../src/engine/graph/verify.ts";
import { optimize, PASSES } from "../../../src/engine/passes/index.ts";

function program(build: (b: Builder, x: Node, y: Node) => Node): Graph {
  const b = new Builder();
  const x = b.make("input", [], { name: "x", shape: [4, 6], dtype: "float32" });
  const y = b.make("input", [], { name: "y", shape: [6, 4], dtype: "float32" });
  return b.graph("p", [{ name: "z", node: build(b, x, y) }]);
}

/** The optimised program's lines, without its head. */
function optimised(build: (b: Builder, x: Node, y: Node) => Node): string[] {
  const graph = optimize(program(build), "f32", verify);
  return printGraph(graph)
    .split("\n")
    .slice(1, -1)
    .map((line) => line.trim());
}

describe("passes", () => {
  it("have names that differ", () => {
    assert.equal(new Set(PASSES.map(({ name }) => name)).size, PASSES.length);
  });

  it("remove what no output needs, but no input", () => {
    const graph = optimize(
      program((b, x) => {
        b.unary("exp", x);
        return b.unary("neg", x);
      }),
      "f32",
      verify,
    );
    assert.equal(printGraph(graph), "p(x: f32[4,6], y: f32[6,4])\n  %0 = neg x : f32[4,6]\n  return z = %0\n");
  });

  const expected: Record<string, [(b: Builder, x: Node, y: Node) => Node, string[]]> = {
    "computes uniform values": [
      (b, x) => b.mul(x, b.add(b.fill(2, [4, 6]), b.broadcast(b.unary("sqrt", b.scalar(4)), [4, 6]))),
      ["%0 = fill {4} : f32[]", "%1 = mul x %0 : f32[4,6]", "return z = %1"],
    ],
    "drops factors of one and terms of zero": [
      (b, x) => b.add(b.mul(x, b.fill(1, [4, 6])), b.fill(0, [1, 6])),
      ["return z = x"],
    ],
    "keeps the shape that a dropped factor gave": [
      (b, x) => b.mul(b.reshape(b.reduce("sum", x, [0]), [6]), b.fill(1, [4, 6])),
      ["%0 = sum x {axes=[0]} : f32[1,6]", "%1 = reshape %0 : f32[6]", "%2 = broadcast %1 : f32[4,6]", "return z = %2"],
    ],
    "joins uniform factors and signs": [
      (b, x) => b.unary("neg", b.div(b.mul(b.unary("neg", x), b.scalar(3)), b.scalar(2))),
      ["%0 = fill {-1.5} : f32[]", "%1 = mul x %0 : f32[4,6]", "%2 = neg %1 : f32[4,6]", "return z = %2"],
    ],
    "meets an operand as an earlier transpose holds it": [
      (b, x, y) => {
        const moved = b.unary("exp", b.mul(b.transpose(x, [1, 0]), y));
        return b.mul(x, b.transpose(moved, [1, 0]));
      },
      [
        "%0 = transpose x {perm=[1,0]} : f32[6,4]",
        "%1 = mul %0 y : f32[6,4]",
        "%2 = exp %1 : f32[6,4]",
        "%3 = mul %0 %2 : f32[6,4]",
        "%4 = transpose %3 {perm=[1,0]} : f32[4,6]",
        "return z = %4",
      ],
    ],
    "sums before it transposes": [
      (b, x) => b.reduce("sum", b.transpose(b.reshape(x, [2, 3, 4]), [1, 0, 2]), [2]),
      [
        "%0 = reshape x : f32[2,3,4]",
        "%1 = sum %0 {axes=[2]} : f32[2,3,1]",
        "%2 = transpose %1 {perm=[1,0,2]} : f32[3,2,1]",
        "return z = %2",
      ],
    ],
    "subtracts instead of adding a negative": [
      (b, x) => b.add(x, b.unary("neg", b.unary("exp", x))),
      ["%0 = exp x : f32[4,6]", "%1 = sub x %0 : f32[4,6]", "return z = %1"],
    ],
    "joins transposes and reshapes": [
      (b, x, y) => b.add(b.transpose(b.transpose(x, [1, 0]), [1, 0]), b.reshape(b.reshape(y, [24]), [4, 6])),
      ["%0 = reshape y : f32[4,6]", "%1 = add x %0 : f32[4,6]", "return z = %1"],
    ],
    "makes reshapes of transposes that move sides of 1": [
      (b, x) => b.unary("exp", b.transpose(b.reshape(x, [4, 1, 6]), [1, 0, 2])),
      ["%0 = reshape x : f32[1,4,6]", "%1 = exp %0 : f32[1,4,6]", "return z = %1"],
    ],
    "computes the same thing once": [
      (b, x) => b.add(b.unary("exp", x), b.unary("exp", x)),
      ["%0 = exp x : f32[4,6]", "%1 = add %0 %0 : f32[4,6]", "return z = %1"],
    ],
    "folds transposes and factors into products": [
      (b, x, y) => b.mul(b.matmul(b.transpose(x, [1, 0]), b.mul(b.transpose(y, [1, 0]), b.scalar(2))), b.scalar(3)),
      ["%0 = matmul x y {transA transB alpha=6} : f32[6,6]", "return z = %0"],
    ],
    "keeps a product that others need as it is": [
      (b, x, y) => {
        const product = b.matmul(x, y);
        return b.add(product, b.mul(product, b.scalar(3)));
      },
      [
        "%0 = matmul x y : f32[4,4]",
        "%1 = fill {3} : f32[]",
        "%2 = mul %0 %1 : f32[4,4]",
        "%3 = add %0 %2 : f32[4,4]",
        "return z = %3",
      ],
    ],
    "makes rows of a batch that shares its right operand": [
      (b, x, y) => b.matmul(b.reshape(x, [2, 2, 6]), b.reshape(y, [1, 6, 4])),
      ["%0 = matmul x y : f32[4,4]", "%1 = reshape %0 : f32[2,2,4]", "return z = %1"],
    ],
  };
  for (const [what, [build, lines]] of Object.entries(expected)) {
    it(what, () => {
      assert.deepEqual(optimised(build), lines);
    });
  }

  it("sums many rows by a product, few as they are", () => {
    const sumOf = (rows: number): string[] => {
      const b = new Builder();
      const x = b.make("input", [], { name: "x", shape: [rows, 3], dtype: "float32" });
      const graph = optimize(b.graph("p", [{ name: "z", node: b.reduce("sum", x, [0]) }]), "f32", verify);
      return graph.nodes.map(({ op }) => op);
    };
    assert.deepEqual(sumOf(64), ["input", "fill", "matmul"]);
    assert.deepEqual(sumOf(8), ["input", "sum"]);
  });
});
