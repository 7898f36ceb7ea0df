import assert from "node:assert/strict";
import type { Tensor3D, Tensor4D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { traceProgram } from "../../../src/engine/compile.ts";
import type { HostMap, TensorFn } from "../../../src/engine/engine.ts";
import { planKernels } from "../../../src/engine/fusion/kernelPlan.ts";
import { Builder } from "../../../src/engine/graph/builder.ts";
import type { Node } from "../../../src/engine/graph/graph.ts";
import type { VectorIsa } from "../../../src/engine/native/asm/vectorIsa.ts";
import type { KernelSpec } from "../../../src/engine/native/kernelSpec.ts";
import { APART } from "../../../src/engine/ops/index.ts";
import type { Executor } from "../../../src/engine/runtime/executor.ts";
import { GroupedAttention } from "../../../src/nn/groupedAttention.ts";
import {
  assertClose,
  fill,
  floatIn,
  generator,
  gradientsOf,
  type Recipes,
  runCompiled,
  runEagerly,
} from "../differential.ts";
import { nativeExecutor, onEveryIsa } from "../native/everyIsa.ts";

/** Clips of two lengths, neither of which fills whole vectors or tiles. */
const groups = [
  { numClips: 3, length: 50 },
  { numClips: 2, length: 37 },
];
const [numTokens, numHeads, headDim, numText] = [3 * 50 + 2 * 37, 3, 24, 41];
const clips = new GroupedAttention(groups);
const tokens: Recipes = Object.fromEntries(
  ["q", "k", "v"].map((name) => [name, floatIn([numTokens, numHeads, headDim])]),
);
const toClip: TensorFn = ({ q, k, v }) => ({ y: clips.toClip(q as Tensor3D, k as Tensor3D, v as Tensor3D) });

const texts: Recipes = {
  q: floatIn([numTokens, numHeads, headDim]),
  k: floatIn([5, numText, numHeads, headDim], -6, 6),
  v: floatIn([5, numText, numHeads, headDim]),
};
/** Each clip's text has another length; a text of another clip stands in for what may not be read. */
const padding = Float32Array.from({ length: 5 * numText }, (_, i) =>
  i % numText < 9 * Math.floor(i / numText) + 1 ? 0 : APART,
);
const toText: TensorFn = ({ q, k, v }) => {
  const heads = (x: unknown) => tf.transpose(x as Tensor4D, [0, 2, 1, 3]);
  const bias_CS = tf.tensor2d(padding, [5, numText]);
  return { y: clips.toText(q as Tensor3D, { k_CHSd: heads(k), v_CHSd: heads(v), bias_CS }) };
};

function kernelsOf(fn: TensorFn, recipes: Recipes, isa: VectorIsa): KernelSpec[] {
  const items = planKernels(traceProgram("p", fn, recipes).graph, isa);
  return items.flatMap((item) => ("kernel" in item ? [item.kernel.spec] : []));
}

/** Stages of each chain. */
function chainsOf(fn: TensorFn, recipes: Recipes, isa: VectorIsa): string[] {
  return kernelsOf(fn, recipes, isa).flatMap((spec) =>
    spec.kind === "chain" ? [spec.stages.map(({ kind }) => kind).join(" ")] : [],
  );
}

onEveryIsa("chains of products and loops", (isa) => {
  const executors = new Map<number, Executor>();
  before(async () => {
    await tf.setBackend("cpu");
    for (const threads of [1, 2]) executors.set(threads, await nativeExecutor(isa, threads));
  });
  after(() => Promise.all([...executors.values()].map((executor) => executor.dispose())));

  const run = (threads: number, fn: TensorFn, inputs: HostMap) => runCompiled(executors.get(threads)!, fn, inputs);

  for (const [name, fn, recipes] of [
    ["clips", toClip, tokens],
    ["texts", toText, texts],
  ] as const) {
    it(`attend to ${name} as tfjs' cpu backend does, forward and gradient`, async () => {
      const forward = "product loop product";
      assert.deepEqual(chainsOf(fn, recipes, isa), [forward, forward]);
      // The weights' second product, for v, is in the chain that made them where the upstream gradient is a constant.
      const both = ["product loop product product", "product loop product product"];
      assert.deepEqual(chainsOf(gradientsOf(fn, recipes), recipes, isa).toSorted(), [...both, ...both]);
      const given = fill(recipes, 11);
      assertClose(await run(2, fn, given), runEagerly(fn, given), 2e-6);
      const gradients = gradientsOf(fn, recipes);
      assertClose(await run(2, gradients, given), runEagerly(gradients, given), 1e-5);
    });
  }

  it("give the same bits for any number of threads, whatever the other clips hold", async () => {
    const gradients = gradientsOf(toClip, tokens);
    const given = fill(tokens, 12);
    const one = await run(1, gradients, given);
    assert.deepEqual(await run(2, gradients, given), one);
    const next = generator(13);
    const first = 50 * numHeads * headDim;
    const changed = Object.fromEntries(
      Object.entries(given).map(([name, tensor]) => [
        name,
        { ...tensor, data: Float32Array.from(tensor.data, (value, i) => (i < first ? 4 * next() : value)) },
      ]),
    ) as HostMap;
    const other = await run(2, gradients, changed);
    for (const [name, { data }] of Object.entries(other)) {
      assert.deepEqual(data.subarray(first), one[name]!.data.subarray(first), name);
      assert.notDeepEqual(data.subarray(0, first), one[name]!.data.subarray(0, first), name);
    }
  });

  it("write what others read, and keep the rest", () => {
    const b = new Builder();
    const input = (name: string) => b.make("input", [], { name, shape: [4, 64, 64], dtype: "float32" });
    const [q, k, v] = [input("q"), input("k"), input("v")] as [Node, Node, Node];
    const scores = b.matmul(q, k, { transB: true });
    const weights = b.make("softmax", [scores], { axis: 2 });
    const mixed = b.matmul(weights, v);
    const chainFor = (...nodes: Node[]) => {
      const outputs = nodes.map((node, i) => ({ name: `y${i}`, node }));
      return planKernels(b.graph("p", outputs), isa).flatMap((item) => ("kernel" in item ? [item.kernel] : []));
    };
    assert.deepEqual(
      chainFor(mixed).map(({ outputs }) => outputs),
      [[mixed]],
    );
    assert.deepEqual(
      chainFor(mixed, weights).map(({ outputs }) => outputs),
      [[weights, mixed]],
    );
    assert.deepEqual(
      chainFor(mixed, scores).map(({ spec }) => spec.kind),
      ["product", "loop", "product"],
    );
  });

  it("leave out a product that waits for what the chain makes", () => {
    const b = new Builder();
    const input = (name: string) => b.make("input", [], { name, shape: [4, 64, 64], dtype: "float32" });
    const [q, k] = [input("q"), input("k")];
    const weights = b.make("softmax", [b.matmul(q, k)], { axis: 2 });
    const mixed = b.matmul(weights, k);
    const later = b.matmul(weights, b.make("cumsum", [mixed], { axis: 0, exclusive: false, reverse: false }));
    const items = planKernels(b.graph("p", [{ name: "y", node: later }]), isa);
    const kinds = items.flatMap((item) => ("kernel" in item ? [item.kernel.spec.kind] : []));
    assert.deepEqual(kinds, ["chain", "product"]);
  });
});
