import assert from "node:assert/strict";
import type { Scalar, Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { floats } from "../../src/base/tensors.ts";
import { traceProgram } from "../../src/engine/compile.ts";
import type { TensorFn, TensorMap } from "../../src/engine/engine.ts";
import { lowerToOnnx } from "../../src/engine/onnx/lower.ts";
import { linear, silu, valueAndGrads } from "../../src/engine/ops/index.ts";
import { assertClose, onEveryExecutor, runCompiled, runEagerly } from "./differential.ts";

const square = { x: { shape: [2, 2], dtype: "float32" as const } };

describe("traceProgram", () => {
  beforeEach(() => tf.setBackend("cpu"));

  it("tells inputs, outputs and the operations of products", () => {
    const fn: TensorFn = ({ x }) => ({ y: tf.matMul(x as Tensor, x as Tensor), n: tf.cast(x as Tensor, "int32") });
    const program = traceProgram("p", fn, square);
    assert.deepEqual(program.inputs, square);
    assert.deepEqual(program.outputs, { y: { shape: [2, 2], dtype: "float32" }, n: { shape: [2, 2], dtype: "int32" } });
    assert.equal(program.flops, 16);
  });

  it("gives the same model for the same function", () => {
    const fn: TensorFn = ({ x }) => ({ y: silu(tf.matMul(x as Tensor, x as Tensor)) });
    const lower = () => lowerToOnnx(traceProgram("p", fn, square).graph);
    assert.deepEqual(lower(), lower());
  });

  it("names the program and what is wrong when a value is read", () => {
    const reads: TensorFn = ({ x }) => ({ y: tf.scalar((x as Tensor).dataSync()[0] ?? 0) });
    assert.throws(() => traceProgram("reader", reads, square), /^Error: reader: a traced tensor has no values yet/);
  });

  it("names the kernel that cannot be compiled", () => {
    const sorts: TensorFn = ({ x }) => ({ y: tf.topk(x as Tensor, 1).values });
    assert.throws(() => traceProgram("sorter", sorts, square), /sorter: the tfjs kernel TopK cannot be compiled/);
  });

  it("refuses one name for an input and an output", () => {
    assert.throws(() => traceProgram("p", ({ x }) => ({ x: tf.neg(x as Tensor) }), square), /p: x names an input and/);
  });

  it("refuses a tensor that another recording left behind", () => {
    let leaked: Tensor | undefined;
    const leaks: TensorFn = ({ x }) => {
      leaked = tf.keep(tf.neg(x as Tensor));
      return { y: leaked };
    };
    traceProgram("first", leaks, square);
    const uses: TensorFn = ({ x }) => ({ y: tf.add(x as Tensor, leaked as Tensor) });
    assert.throws(() => traceProgram("second", uses, square), /second: a tensor of an earlier recording/);
  });

  it("leaves tfjs as it was, also when the function throws", () => {
    const before = tf.memory().numTensors;
    const fails: TensorFn = ({ x }) =>
      valueAndGrads((t) => ({ loss: tf.sum(t.x as Tensor).asScalar(), aux: { z: tf.unique(t.x as Tensor).values } }), {
        x: x as Tensor,
      }).grads;
    for (let i = 0; i < 3; i++) assert.throws(() => traceProgram("failing", fails, square), /kernel Unique/);
    traceProgram("working", ({ x }) => ({ y: tf.neg(x as Tensor) }), square);
    assert.equal(tf.getBackend(), "cpu");
    assert.equal(tf.memory().numTensors, before);
    assert.equal(
      tf
        .grad((x) => x.square().sum())(tf.scalar(3))
        .dataSync()[0],
      6,
    );
  });

  it("takes eager tensors as constants and leaves them readable", () => {
    const table = tf.tensor1d([1, 2]);
    const program = traceProgram("p", ({ x }) => ({ y: tf.mul(x as Tensor, table) }), square);
    assert.ok(program.graph.nodes.some((node) => node.op === "constant" && node.attrs.data.join() === "1,2"));
    assert.deepEqual([...tf.add(table, 1).dataSync()], [2, 3]);
  });
});

onEveryExecutor("compiled functions", (executor) => {
  const given = { x: floats([2, 2], Float32Array.from([1, -2, 3, 0.5])) };

  it("return inputs, constants and one value under two names", async () => {
    const fn: TensorFn = ({ x }) => {
      const y = tf.neg(x as Tensor);
      return { x2: x as Tensor, one: tf.ones([3]), y, again: y, table: tf.tensor1d([1, 2, 3]) };
    };
    assertClose(await runCompiled(executor(), fn, given), runEagerly(fn, given), 0);
  });

  it("differentiate inside a gradient, report more than the loss, and give zeros to what is unused", async () => {
    const inner = (x: Tensor) => tf.tidy(() => tf.grads((a: Tensor) => a.square().sum())([x])[0] as Tensor);
    const fn: TensorFn = ({ x }) => {
      const { value, aux, grads } = valueAndGrads(
        (t) => {
          const y = tf.add(tf.exp(t.x as Tensor), linear(t.x as Tensor, inner(tf.ones([2, 2])) as never));
          return { loss: tf.sum(y) as Scalar, aux: { most: tf.max(y), y } };
        },
        { x: x as Tensor, unused: tf.ones([3]) },
      );
      return { value, ...aux, dx: grads.x as Tensor, dunused: grads.unused as Tensor };
    };
    assertClose(await runCompiled(executor(), fn, given), runEagerly(fn, given), 1e-6);
  });

  it("take gradients inside the gradient of a custom layer", async () => {
    const layer = tf.customGrad((x: Tensor | tf.GradSaveFunc, save?: Tensor | tf.GradSaveFunc) => {
      if (typeof save === "function") save([x as Tensor]);
      const gradFunc = (dy: Tensor, saved: Tensor[]) =>
        valueAndGrads((t) => ({ loss: tf.sum(tf.mul(tf.sin(t.x as Tensor), dy)) as Scalar, aux: {} }), {
          x: saved[0] as Tensor,
        }).grads.x as Tensor;
      return { value: tf.sin(x as Tensor), gradFunc };
    });
    const loss = (t: TensorMap) => ({ loss: tf.sum(tf.square(layer(t.x as Tensor))) as Scalar, aux: {} });
    const fn: TensorFn = ({ x }) => ({ dx: valueAndGrads(loss, { x: x as Tensor }).grads.x as Tensor });
    assertClose(await runCompiled(executor(), fn, given), runEagerly(fn, given), 1e-6);
  });
});
