import assert from "node:assert/strict";
import { type Item, planKernels } from "../../../src/engine/fusion/kernelPlan.ts";
import { commonSides, mergeSides, stridesIn } from "../../../src/engine/fusion/space.ts";
import { Builder } from "../../../src/engine/graph/builder.ts";
import type { Graph, Node } from "../../../src/engine/graph/graph.ts";
import { type VectorIsa, vectorIsas } from "../../../src/engine/native/asm/vectorIsa.ts";
import type { LoopSpec } from "../../../src/engine/native/loop/spec.ts";

const limits = { elements: 1, columns: 1 };

function input(b: Builder, name: string, shape: readonly number[]): Node {
  return b.make("input", [], { name, shape, dtype: "float32" });
}

/** Planning needs no machine that can run what is planned. */
function forEveryIsa(title: string, declare: (isa: VectorIsa) => void): void {
  for (const isa of vectorIsas) describe(`${title}, ${isa.title}`, () => declare(isa));
}

/** What is done, in order: `loop(add mul)`, `product` or the node's own name; inputs left out. */
function text(items: readonly Item[]): string[] {
  return items.flatMap((item) => {
    if ("node" in item) return item.node.op === "input" ? [] : [item.node.op];
    const { spec } = item.kernel;
    if (spec.kind === "product") return ["product"];
    const loop = ({ body }: LoopSpec) =>
      `loop(${body.flatMap(({ op }) => (op === "input" || op === "constant" ? [] : [op])).join(" ")})`;
    if (spec.kind === "loop") return [loop(spec)];
    return [spec.stages.map((stage) => (stage.kind === "loop" ? loop(stage.loop) : stage.kind)).join(" > ")];
  });
}

function kernelsOf(items: readonly Item[]) {
  return items.flatMap((item) => ("kernel" in item ? [item.kernel] : []));
}

forEveryIsa("gathering loops", (isa) => {
  const groups = (graph: Graph) => text(planKernels(graph, isa, limits));

  it("joins a norm, its modulation and a residual through reshapes", () => {
    const b = new Builder();
    const [x, y, bias, gate] = [
      input(b, "x", [64, 32]),
      input(b, "y", [64, 32]),
      input(b, "b", [32]),
      input(b, "g", [4, 1, 32]),
    ];
    const strips = b.reshape(b.add(y, bias), [4, 16, 32]);
    const sum = b.reshape(b.add(b.reshape(x, [4, 16, 32]), b.mul(strips, gate)), [64, 32]);
    const norm = b.make("layerNorm", [sum], { epsilon: 1e-6 });
    const inverse = b.make("part", [norm], { index: 2 });
    const items = planKernels(
      b.graph("p", [
        { name: "norm", node: norm },
        { name: "inverse", node: inverse },
      ]),
      isa,
      limits,
    );
    const loops = kernelsOf(items);
    assert.equal(loops.length, 1);
    assert.deepEqual(loops[0]?.spec.kind === "loop" && loops[0].spec.sides, [4, 16, 32]);
    assert.deepEqual(loops[0]?.outputs, [norm, inverse]);
    assert.equal(items.length, 5);
  });

  it("does not close a circle through a product", () => {
    const b = new Builder();
    const [x, w] = [input(b, "x", [32, 32]), input(b, "w", [32, 32])];
    const first = b.unary("exp", x);
    const last = b.add(b.matmul(first, w), first);
    assert.deepEqual(groups(b.graph("p", [{ name: "y", node: last }])), ["loop(exp)", "product", "loop(add)"]);
  });

  it("does not close a circle of two loops", () => {
    const b = new Builder();
    const [x, y, w] = [input(b, "x", [32, 32]), input(b, "y", [32, 32]), input(b, "w", [32, 32])];
    const [a1, b2] = [b.unary("exp", x), b.unary("sqrt", y)];
    const b1 = b.add(b.matmul(a1, w), b2);
    const a2 = b.add(b.matmul(b2, w), a1);
    const items = planKernels(
      b.graph("p", [
        { name: "b1", node: b1 },
        { name: "a2", node: a2 },
      ]),
      isa,
      limits,
    );
    const place = (node: Node) =>
      items.findIndex((item) => ("node" in item ? item.node === node : item.kernel.outputs.includes(node)));
    for (const item of items) {
      if (!("kernel" in item)) continue;
      for (const read of item.kernel.inputs) assert.ok(place(read) < items.indexOf(item));
    }
    assert.equal(items.filter((item) => "kernel" in item && item.kernel.spec.kind === "product").length, 2);
  });

  it("keeps sums of different rows apart, and leaves what is small", () => {
    const b = new Builder();
    const x = input(b, "x", [8, 6, 64]);
    const heads = b.make("softmax", [x], { axis: 2 });
    const whole = b.make("softmax", [b.reshape(heads, [8, 384])], { axis: 1 });
    const graph = b.graph("p", [{ name: "y", node: whole }]);
    assert.equal(groups(graph).filter((line) => line.startsWith("loop")).length, 2);
    assert.deepEqual(text(planKernels(graph, isa)), ["softmax", "reshape", "softmax"]);
  });

  it("sums up down the rows where they are made, and lets nothing in the loop read such a sum", () => {
    const b = new Builder();
    const [x, y] = [input(b, "x", [64, 32]), input(b, "y", [4, 16, 32])];
    const strips = b.mul(b.reshape(x, [4, 16, 32]), y);
    const sums = b.reduce("sum", strips, [1]);
    const centred = b.sub(strips, sums);
    const graph = (node: Node) => b.graph("p", [{ name: "z", node }]);
    assert.deepEqual(groups(graph(sums)), ["loop(mul sumDown)"]);
    assert.deepEqual(groups(graph(centred)), ["loop(mul sumDown)", "loop(sub)"]);
    const all = b.reduce("sum", b.unary("exp", x), [0]);
    const [kernel] = kernelsOf(planKernels(graph(all), isa, limits));
    assert.deepEqual(kernel?.spec.kind === "loop" && kernel.spec.sides, [1, 64, 32]);
  });

  it("norms and turns heads in one loop, and leaves heads that are no whole vectors", () => {
    for (const [width, expected] of [
      [64, ["loop(mul sum mul add sqrt reciprocal mul mul turn)"]],
      [48, ["loop(mul sum mul add sqrt reciprocal mul mul)", "rotary"]],
    ] as const) {
      const b = new Builder();
      const [x, gain] = [input(b, "x", [16, 4, width]), input(b, "gain", [width])];
      const [cos, sin] = [input(b, "cos", [16, width / 2]), input(b, "sin", [16, width / 2])];
      const normed = b.make("rmsNorm", [x, gain], { epsilon: 1e-6 });
      const turned = b.make("rotary", [normed, cos, sin], {});
      const items = planKernels(b.graph("p", [{ name: "y", node: turned }]), isa, limits);
      assert.deepEqual(text(items), expected);
      const [loop] = kernelsOf(items);
      if (width === 64) assert.deepEqual(loop?.spec.kind === "loop" && loop.spec.inputs[2], [32, 0, 1]);
    }
  });

  it("writes what is read elsewhere, also through a reshape that is an output", () => {
    const b = new Builder();
    const x = input(b, "x", [64, 16]);
    const y = b.unary("exp", x);
    const flat = b.reshape(y, [1024]);
    const z = b.unary("sqrt", y);
    const items = planKernels(
      b.graph("p", [
        { name: "flat", node: flat },
        { name: "z", node: z },
      ]),
      isa,
      limits,
    );
    const loops = kernelsOf(items);
    assert.deepEqual(
      loops.map(({ outputs }) => outputs),
      [[y, z]],
    );
  });
});

forEveryIsa("products in strides", (isa) => {
  it("take transposes of heads in, of operands and of a result that is read once", () => {
    const b = new Builder();
    const [q, k] = [input(b, "q", [2, 64, 3, 16]), input(b, "k", [2, 64, 3, 16])];
    const perm = [0, 2, 1, 3];
    const scores = b.matmul(b.transpose(q, perm), b.transpose(k, perm), { transB: true });
    const mixed = b.matmul(scores, b.transpose(k, perm));
    const y = b.reshape(b.transpose(mixed, perm), [128, 48]);
    const items = planKernels(b.graph("p", [{ name: "y", node: y }]), isa);
    assert.deepEqual(text(items), ["product", "product", "reshape"]);
    const [first, second] = kernelsOf(items);
    assert.deepEqual(first?.inputs, [q, k]);
    const walks = { a: [12288, 4096, 64, 1], b: [3072, 16, 48, 1], c: [3072, 16, 48, 1], shape: [2, 64, 3, 16] };
    assert.deepEqual(second?.spec.kind === "product" && second.spec.walks, walks);
  });

  it("read rows of a tensor where they lie, and copy what is no run of rows", () => {
    const b = new Builder();
    const [x, y] = [input(b, "x", [96, 64]), input(b, "y", [64, 64])];
    const part = (begin: readonly number[], size: readonly number[]) =>
      text(planKernels(b.graph("p", [{ name: "z", node: b.matmul(b.slice(x, begin, size), y) }]), isa));
    assert.deepEqual(part([32, 0], [64, 64]), ["product"]);
    const wide = input(b, "wide", [64, 96]);
    const columns = b.matmul(b.slice(wide, [0, 32], [64, 64]), y);
    assert.deepEqual(text(planKernels(b.graph("p", [{ name: "z", node: columns }]), isa)), ["slice", "product"]);
    const heads = b.transpose(b.reshape(b.slice(x, [32, 0], [64, 64]), [2, 32, 4, 16]), [0, 2, 1, 3]);
    const scores = b.matmul(heads, heads, { transB: true });
    const [kernel] = kernelsOf(planKernels(b.graph("p", [{ name: "z", node: scores }]), isa));
    assert.deepEqual(kernel?.inputs, [x, x]);
    assert.deepEqual(kernel?.spec.kind === "product" && kernel.spec.walks?.starts, [2048, 2048]);
  });

  it("leave a result in its place that others read too", () => {
    const b = new Builder();
    const [q, k] = [input(b, "q", [4, 32, 32]), input(b, "k", [4, 32, 32])];
    const product = b.matmul(q, k);
    const outputs = [
      { name: "y", node: b.transpose(product, [1, 0, 2]) },
      { name: "z", node: product },
    ];
    assert.deepEqual(text(planKernels(b.graph("p", outputs), isa)), ["product", "transpose"]);
  });
});

describe("space of a loop", () => {
  it("is as fine as its tensors' sides, or there is none", () => {
    assert.deepEqual(
      commonSides([
        [1024, 384],
        [16, 64, 384],
        [1024, 6, 64],
      ]),
      [16, 64, 6, 64],
    );
    assert.equal(
      commonSides([
        [6, 4],
        [4, 6],
      ]),
      undefined,
    );
  });

  it("has strides for what is repeated, and joins sides that all walk alike", () => {
    const sides = [16, 64, 384];
    assert.deepEqual(stridesIn(sides, [1024, 384], [384]), [0, 0, 1]);
    assert.deepEqual(stridesIn(sides, [16, 64, 384], [16, 1, 384]), [384, 0, 1]);
    assert.deepEqual(stridesIn(sides, [1024, 384], [1024, 1]), [64, 1, 0]);
    const merged = mergeSides(
      sides,
      [
        [24576, 384, 1],
        [64, 1, 0],
      ],
      1,
    );
    assert.deepEqual(merged, {
      sides: [1024, 384],
      tensors: [
        [384, 1],
        [1, 0],
      ],
    });
  });
});
