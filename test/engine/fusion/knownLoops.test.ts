import assert from "node:assert/strict";
import { KnownLoops } from "../../../src/engine/fusion/knownLoops.ts";
import { loopOf } from "../../../src/engine/fusion/loopOf.ts";
import { Builder } from "../../../src/engine/graph/builder.ts";
import type { Node } from "../../../src/engine/graph/graph.ts";
import { avx512 } from "../../../src/engine/native/asm/vectorIsa.ts";

const limits = { elements: 1, columns: 1 };

function input(b: Builder, name: string, shape: readonly number[] = [16, 32]): Node {
  return b.make("input", [], { name, shape, dtype: "float32" });
}

describe("loops that are known", () => {
  it("gives a repeated form the nodes that it is made of now", () => {
    const b = new Builder();
    const [x, y] = [input(b, "x"), input(b, "y")];
    const known = new KnownLoops(avx512, limits);
    const pair = (one: Node, other: Node): Node[] => {
      const product = b.mul(one, other);
      return [product, b.add(product, one)];
    };
    const [first, second] = [pair(x, y), pair(y, x)];
    const ask = (nodes: Node[]) => known.loopOf(nodes, nodes.slice(-1));
    const [one, other] = [ask(first), ask(second)];
    assert.deepEqual(one?.inputs, [x, y]);
    assert.deepEqual(other?.inputs, [y, x]);
    assert.equal(other?.spec, one?.spec);
    assert.deepEqual(other?.outputs, second.slice(-1));
  });

  it("tells forms apart by order, repetition, shape, constants and what is written", () => {
    const b = new Builder();
    const [x, y, row] = [input(b, "x"), input(b, "y"), input(b, "row", [32])];
    const known = new KnownLoops(avx512, limits);
    const product = b.mul(x, y);
    const sum = b.add(product, x);
    const groups: { nodes: Node[]; results: Node[] }[] = [
      ...[
        b.sub(x, y),
        b.sub(x, x),
        b.sub(x, row),
        b.sub(row, x),
        ...[1, 2, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN].map((v) => b.sub(x, b.scalar(v))),
      ].map((node) => ({ nodes: [node], results: [node] })),
      { nodes: [product, sum], results: [sum] },
      { nodes: [product, sum], results: [product, sum] },
      { nodes: [product, sum], results: [sum, product] },
    ];
    const specs = groups.map(({ nodes, results }) => {
      const loop = known.loopOf(nodes, results);
      assert.deepEqual(loop, loopOf(nodes, results, avx512, limits));
      return loop?.spec;
    });
    assert.equal(new Set(specs).size, groups.length);
  });
});
