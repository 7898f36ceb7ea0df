import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { allocate, type HostTensor, sizeOf, type TensorSpec } from "../../src/base/tensors.ts";
import { traceProgram } from "../../src/engine/compile.ts";
import type { HostMap, TensorFn, TensorMap } from "../../src/engine/engine.ts";
import { verify } from "../../src/engine/graph/verify.ts";
import { kernelIsas } from "../../src/engine/native/support.ts";
import { encodeOnnx } from "../../src/engine/onnx/encode.ts";
import { lowerToOnnx } from "../../src/engine/onnx/lower.ts";
import { valueAndGrads } from "../../src/engine/ops/index.ts";
import { optimize } from "../../src/engine/passes/index.ts";
import type { Executor } from "../../src/engine/runtime/executor.ts";
import { executorFactories, executorNames } from "../../src/engine/runtime/executors.ts";
import { trace } from "../../src/engine/trace/trace.ts";
import { nativeExecutor } from "./native/everyIsa.ts";

/** A small seeded generator (mulberry32): uniform numbers in [0, 1). */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How an input is filled: its shape, and the range of its values. */
export interface InputRecipe extends TensorSpec {
  readonly low: number;
  readonly high: number;
}

export const floatIn = (shape: number[], low = -2, high = 2): InputRecipe => ({ shape, dtype: "float32", low, high });
/** Whole numbers in [low, high). */
export const intIn = (shape: number[], low: number, high: number): InputRecipe => ({
  shape,
  dtype: "int32",
  low,
  high,
});
export const boolIn = (shape: number[]): InputRecipe => ({ shape, dtype: "bool", low: 0, high: 2 });

export type Recipes = Readonly<Record<string, InputRecipe>>;

export function fill(recipes: Recipes, seed: number): Record<string, HostTensor> {
  const next = generator(seed);
  return Object.fromEntries(
    Object.entries(recipes).map(([name, { low, high, ...spec }]) => {
      const tensor = allocate(spec);
      for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = low + (high - low) * next();
      return [name, tensor];
    }),
  );
}

/** Runs `fn` compiled, checking the graph after every pass. */
export async function runCompiled(executor: Executor, fn: TensorFn, inputs: HostMap): Promise<HostMap> {
  const signature = Object.fromEntries(Object.entries(inputs).map(([k, { shape, dtype }]) => [k, { shape, dtype }]));
  const recorded = trace("test", fn, signature);
  verify(recorded);
  optimize(recorded, "f32", verify);
  const program = traceProgram("test", fn, signature);
  // Loops however small, so that every kernel's case runs through them where they run at all.
  const model = lowerToOnnx(program.graph, {
    provider: executor.provider,
    native: executor.native,
    limits: { elements: 1, columns: 1 },
  });
  const { inputs: given, outputs: made } = program;
  const kernels = model.kernels ?? [];
  const session = await executor.open({
    name: "test",
    bytes: encodeOnnx(model),
    inputs: given,
    outputs: made,
    kernels,
  });
  const outputs = Object.fromEntries(Object.entries(program.outputs).map(([name, spec]) => [name, allocate(spec)]));
  try {
    await session.bind(inputs, outputs).run();
  } finally {
    await session.dispose();
  }
  return outputs;
}

/** Runs `fn` eagerly on tfjs' cpu backend. */
export function runEagerly(fn: TensorFn, inputs: HostMap): HostMap {
  return tf.tidy(() => {
    const tensors = Object.entries(inputs).map(([k, { data, shape, dtype }]) => [
      k,
      tf.tensor(data, [...shape], dtype),
    ]);
    const results = Object.entries(fn(Object.fromEntries(tensors) as TensorMap));
    return Object.fromEntries(
      results.map(([name, tensor]) => {
        const { shape, dtype } = tensor;
        assert(dtype === "float32" || dtype === "int32" || dtype === "bool");
        return [name, { shape, dtype, data: tensor.dataSync<"float32">().slice() }];
      }),
    );
  });
}

/** `fn`'s gradients with respect to its float inputs, each output weighted element by element with fixed numbers. */
export function gradientsOf(fn: TensorFn, recipes: Recipes): TensorFn {
  return (inputs) => {
    const floating = Object.entries(inputs).filter(([name]) => recipes[name]?.dtype === "float32");
    const objective = (tensors: TensorMap) => {
      const outputs = Object.values(fn({ ...inputs, ...tensors }));
      const parts = outputs.map((output) => tf.sum(tf.mul(output, tf.tensor(weightsFor(output.shape), output.shape))));
      return { loss: tf.addN(parts).asScalar(), aux: {} };
    };
    const { grads } = valueAndGrads(objective, Object.fromEntries(floating));
    return Object.fromEntries(Object.entries(grads).map(([name, grad]) => [`d${name}`, grad]));
  };
}

/** The number that `gradientsOf` differentiates, from the function's outputs; summed in double precision. */
export function weightedSum(outputs: HostMap): number {
  let sum = 0;
  for (const { data, shape } of Object.values(outputs)) {
    const weights = weightsFor(shape);
    data.forEach((value, i) => {
      sum += value * (weights[i] ?? 0);
    });
  }
  return sum;
}

/** Fixed numbers in [0.5, 1.5], the same on every engine. */
function weightsFor(shape: readonly number[]): Float32Array {
  const next = generator(99);
  return Float32Array.from({ length: sizeOf(shape) }, () => 0.5 + next());
}

/** Largest difference, relative to the largest reference value; values compared as they are where those are tiny. */
export function relativeError(got: HostTensor, expected: HostTensor): number {
  assert.deepEqual([...got.shape], [...expected.shape]);
  assert.equal(got.dtype, expected.dtype);
  let [difference, size] = [0, 1e-6];
  expected.data.forEach((value, i) => {
    const other = got.data[i] as number;
    if (Object.is(value, other) || value === other) return;
    difference = Math.max(difference, Number.isNaN(value - other) ? Infinity : Math.abs(value - other));
    size = Math.max(size, Number.isFinite(value) ? Math.abs(value) : 0);
  });
  return difference / size;
}

export function assertClose(got: HostMap, expected: HostMap, tolerance: number): void {
  assert.deepEqual(Object.keys(got), Object.keys(expected));
  for (const [name, tensor] of Object.entries(expected)) {
    const error = relativeError(got[name] as HostTensor, tensor);
    assert.ok(error <= tolerance, `${name}: relative error ${error} is above ${tolerance}`);
  }
}

/** The names of the kernels that `work` calls, of any backend. */
export function kernelsCalledBy(work: () => unknown): Set<string> {
  const engine = tf.engine();
  const called = new Set<string>();
  const original = engine.runKernel;
  engine.runKernel = function record(this: typeof engine, name, ...rest) {
    called.add(name);
    return original.call(this, name, ...rest);
  } as typeof original;
  try {
    work();
  } finally {
    engine.runKernel = original;
  }
  return called;
}

/** Declares the same tests for every executor, and for every instruction set of native kernels that runs here. */
export function onEveryExecutor(title: string, declare: (executor: () => Executor) => void): void {
  const makers = [
    ...executorNames.map((name) => ({ name, make: () => executorFactories[name](1) })),
    ...kernelIsas()
      .slice(1)
      .map((isa) => ({ name: `c with ${isa.title}`, make: () => nativeExecutor(isa, 1) })),
  ];
  for (const { name, make } of makers) {
    describe(`${title}, executor ${name}`, () => {
      let executor: Executor | undefined;
      before(async () => {
        await tf.setBackend("cpu");
        executor = await make();
      });
      after(() => executor?.dispose());
      declare(() => {
        assert(executor !== undefined);
        return executor;
      });
    });
  }
}
