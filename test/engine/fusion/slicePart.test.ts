import assert from "node:assert/strict";
import type { Tensor1D, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { traceProgram } from "../../../src/engine/compile.ts";
import type { TensorFn } from "../../../src/engine/engine.ts";
import { planKernels } from "../../../src/engine/fusion/kernelPlan.ts";
import { slicePart, stridesInWhole } from "../../../src/engine/fusion/slicePart.ts";
import { Builder } from "../../../src/engine/graph/builder.ts";
import type { Executor } from "../../../src/engine/runtime/executor.ts";
import {
  assertClose,
  fill,
  floatIn,
  type InputRecipe,
  type Recipes,
  runCompiled,
  runEagerly,
} from "../differential.ts";
import { nativeExecutor, onEveryIsa } from "../native/everyIsa.ts";

describe("where a slice lies", () => {
  const b = new Builder();
  const x = b.make("input", [], { name: "x", shape: [4, 6, 10], dtype: "float32" });
  const part = (begin: number[], size: number[], step?: number[]) => {
    const node = b.slice(x, begin, size, step);
    assert.ok(node.op === "slice");
    const found = slicePart(node);
    return found && [found.start, found.run, found.pitch];
  };

  it("is in runs as far apart as what it was cut from", () => {
    assert.deepEqual(part([0, 0, 3], [4, 6, 5]), [3, 5, 10]);
    assert.deepEqual(part([0, 2, 0], [4, 3, 10]), [20, 30, 60]);
    assert.deepEqual(part([1, 0, 0], [2, 6, 10]), [60, 120, 240]);
  });

  it("is nowhere, when it is cut along two axes or leaves elements out", () => {
    assert.equal(part([0, 2, 3], [4, 3, 5]), undefined);
    assert.equal(part([0, 0, 1], [4, 6, 4], [1, 1, 2]), undefined);
    assert.equal(part([0, 5, 0], [4, 6, 10], [1, -1, 1]), undefined);
  });

  it("has no strides for a side that begins in one run and ends in another, or for columns apart", () => {
    const inRuns = { whole: x, start: 0, run: 30, pitch: 60 };
    assert.deepEqual(stridesInWhole([4, 3, 10], [30, 10, 1], inRuns), [60, 10, 1]);
    assert.deepEqual(stridesInWhole([4, 5, 3, 10], [30, 0, 10, 1], inRuns), [60, 0, 10, 1]);
    assert.equal(stridesInWhole([2, 60], [60, 1], inRuns), undefined);
    assert.equal(stridesInWhole([3, 2, 20], [40, 20, 1], inRuns), undefined);
    assert.equal(stridesInWhole([4, 3], [3, 1], { whole: x, start: 1, run: 1, pitch: 2 }), undefined);
  });
});

onEveryIsa("loops that read slices where they lie", (isa) => {
  let executor: Executor;
  before(async () => {
    await tf.setBackend("cpu");
    executor = await nativeExecutor(isa, 2);
  });
  after(() => executor.dispose());

  const nodesOf = (fn: TensorFn, recipes: Recipes) =>
    planKernels(traceProgram("p", fn, recipes).graph, isa, { elements: 1, columns: 8 }).flatMap((item) =>
      "node" in item && item.node.op !== "input" ? [item.node.op] : [],
    );
  const check = async (fn: TensorFn, recipes: Recipes, nodes: readonly string[]) => {
    assert.deepEqual(nodesOf(fn, recipes), nodes);
    const inputs = fill(recipes, 1);
    assertClose(await runCompiled(executor, fn, inputs), runEagerly(fn, inputs), 1e-6);
  };
  const wide: InputRecipe = floatIn([64, 3 * 72]);

  it("modulate with columns of one tensor, repeated for the rows of a strip", async () => {
    const recipes = { x: floatIn([64, 20, 72]), wide };
    const fn: TensorFn = ({ x, wide }) => {
      const [shift, scale, gate] = tf.split(tf.reshape(wide as Tensor3D, [64, 1, 216]), 3, 2);
      return { y: tf.mul(gate as Tensor3D, tf.add(tf.mul(x as Tensor3D, scale as Tensor3D), shift as Tensor3D)) };
    };
    await check(fn, recipes, []);
  });

  it("read rows from the middle, and one number for a whole loop", async () => {
    const recipes = { x: floatIn([96, 72]), y: floatIn([48, 72]), factors: floatIn([9]) };
    const fn: TensorFn = ({ x, y, factors }) => {
      const one = tf.slice(factors as Tensor1D, [7], [1]);
      return { z: tf.mul(tf.add(tf.slice(x as Tensor2D, [30, 0], [48, 72]), y as Tensor2D), one) };
    };
    await check(fn, recipes, []);
  });

  it("are told apart by where their slices start", async () => {
    const fn: TensorFn = ({ wide }) => {
      const [a, b, c] = tf.split(wide as Tensor2D, 3, 1) as [Tensor2D, Tensor2D, Tensor2D];
      return { x: tf.sub(tf.exp(a), b), y: tf.sub(tf.exp(b), c) };
    };
    await check(fn, { wide }, []);
  });

  it("are part of a chain of products", async () => {
    const matrices = floatIn([6, 32, 32]);
    const fn: TensorFn = ({ q, k, v, biases }) => {
      const bias = tf.slice(biases as Tensor3D, [2, 0, 0], [6, 32, 32]);
      const scores = tf.softmax(tf.add(tf.matMul(q as Tensor3D, k as Tensor3D), bias));
      return { y: tf.matMul(scores, v as Tensor3D) };
    };
    const recipes = { q: floatIn([6, 32, 32], -0.1, 0.1), k: matrices, v: matrices, biases: floatIn([9, 32, 32]) };
    const items = planKernels(traceProgram("p", fn, recipes).graph, isa, { elements: 1, columns: 8 });
    assert.deepEqual(
      items.flatMap((item) => ("kernel" in item ? [item.kernel.spec.kind] : [])),
      ["chain"],
    );
    await check(fn, recipes, []);
  });

  it("copy a slice whose runs a loop's rows would cut", async () => {
    const fn: TensorFn = ({ x, y }) => ({
      z: tf.add(tf.reshape(tf.slice(x as Tensor2D, [0, 0], [64, 24]), [32, 48]), y as Tensor2D),
    });
    await check(fn, { x: floatIn([64, 40]), y: floatIn([32, 48]) }, ["slice"]);
  });

  it("do not read what they compute themselves", async () => {
    const fn: TensorFn = ({ x }) => {
      const doubled = tf.add(x as Tensor2D, x as Tensor2D);
      return { z: tf.mul(doubled, tf.slice(doubled, [3, 0], [1, 72])) };
    };
    await check(fn, { x: floatIn([64, 72]) }, []);
  });
});
