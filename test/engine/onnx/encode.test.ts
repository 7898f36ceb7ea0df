import assert from "node:assert/strict";
import { floats, ints } from "../../../src/base/tensors.ts";
import { encodeOnnx } from "../../../src/engine/onnx/encode.ts";
import { int64s, type OnnxInitializer, type OnnxNode } from "../../../src/engine/onnx/model.ts";
import type { Executor } from "../../../src/engine/runtime/executor.ts";
import { openExecutor } from "../../../src/engine/runtime/executors.ts";
import { floatSpec, smallModel } from "../runtime/smallModels.ts";

describe("ONNX encoding, read back by ONNX Runtime", () => {
  let executor: Executor;
  before(async () => {
    executor = await openExecutor("auto", { threads: 1, spin: false });
  });
  after(() => executor.dispose());

  /** Runs one node from x [2, 3] = 0..5 to y of the given shape. */
  async function runNode(node: Partial<OnnxNode> & { op: string }, shape: number[], extra: OnnxInitializer[] = []) {
    const full = { inputs: ["x", ...extra.map(({ name }) => name)], outputs: ["y"], ...node };
    const model = smallModel([full], { x: floatSpec(2, 3) }, { y: floatSpec(...shape) }, extra);
    const session = await executor.open(model);
    const y = floats(shape);
    const run = session.bind({ x: floats([2, 3], Float32Array.of(0, 1, 2, 3, 4, 5)) }, { y });
    await run.run();
    await session.dispose();
    return [...y.data];
  }

  it("writes int and ints attributes", async () => {
    assert.deepEqual(await runNode({ op: "Flatten", attributes: { axis: { int: 0 } } }, [1, 6]), [0, 1, 2, 3, 4, 5]);
    const perm = { perm: { ints: [1, 0] } };
    assert.deepEqual(await runNode({ op: "Transpose", attributes: perm }, [3, 2]), [0, 3, 1, 4, 2, 5]);
  });

  it("writes negative ints", async () => {
    const x = { name: "w", tensor: floats([2, 1], Float32Array.of(7, 8)) };
    const y = await runNode({ op: "Concat", attributes: { axis: { int: -1 } } }, [2, 4], [x]);
    assert.deepEqual(y, [0, 1, 2, 7, 3, 4, 5, 8]);
  });

  it("writes float and floats attributes", async () => {
    const node = { op: "ThresholdedRelu", attributes: { alpha: { float: 2.5 } } };
    assert.deepEqual(await runNode(node, [2, 3]), [0, 0, 0, 3, 4, 5]);
    const constant = { op: "Constant", inputs: [], attributes: { value_floats: { floats: [1.5, -2] } } };
    assert.deepEqual(await runNode(constant, [2]), [1.5, -2]);
  });

  it("writes string and tensor attributes", async () => {
    const pads = { name: "pads", tensor: int64s([0, 1, 0, 0]) };
    const node = { op: "Pad", attributes: { mode: { string: "edge" } } };
    assert.deepEqual(await runNode(node, [2, 4], [pads]), [0, 0, 1, 2, 3, 3, 4, 5]);
    const value = { value: { tensor: floats([2], Float32Array.of(9, 10)) } };
    assert.deepEqual(await runNode({ op: "Constant", inputs: [], attributes: value }, [2]), [9, 10]);
  });

  it("writes initializers of every dtype, views of larger buffers and scalars among them", async () => {
    const shape = { name: "shape", tensor: int64s([3, 2]) };
    assert.deepEqual(await runNode({ op: "Reshape" }, [3, 2], [shape]), [0, 1, 2, 3, 4, 5]);
    const view = { name: "w", tensor: floats([3], new Float32Array([9, 9, 10, 20, 30]).subarray(2)) };
    assert.deepEqual(await runNode({ op: "Add" }, [2, 3], [view]), [10, 21, 32, 13, 24, 35]);
    const index = { name: "i", tensor: ints([1], Int32Array.of(1)) };
    assert.deepEqual(await runNode({ op: "Gather" }, [1, 3], [index]), [3, 4, 5]);
    const scalar = { name: "i", tensor: int64s(1) };
    assert.deepEqual(await runNode({ op: "Gather" }, [3], [scalar]), [3, 4, 5]);
    const mask = { name: "mask", tensor: { shape: [3], dtype: "bool", data: Uint8Array.of(1, 0, 1) } as const };
    const where = { op: "Where", inputs: ["mask", "x", "none"] };
    const none = { name: "none", tensor: floats([], Float32Array.of(-1)) };
    assert.deepEqual(await runNode(where, [2, 3], [mask, none]), [0, -1, 2, 3, -1, 5]);
  });

  it("writes contributed operators and inputs left out", async () => {
    const w = { name: "w", tensor: floats([1, 3], Float32Array.of(1, 0, 2)) };
    const attributes = { alpha: { float: 0.5 }, transB: { int: 1 } };
    const product = { op: "FusedMatMul", domain: "com.microsoft", attributes };
    assert.deepEqual(await runNode(product, [2, 1], [w]), [2, 6.5]);
    const high = { name: "high", tensor: floats([], Float32Array.of(3)) };
    assert.deepEqual(await runNode({ op: "Clip", inputs: ["x", "", "high"] }, [2, 3], [high]), [0, 1, 2, 3, 3, 3]);
  });

  it("gives equal bytes for equal models", () => {
    const model = {
      name: "m",
      opsets: { "": 21 },
      nodes: [{ op: "Neg", inputs: ["x"], outputs: ["y"] }],
      initializers: [],
      inputs: [{ name: "x", spec: floatSpec(2) }],
      outputs: [{ name: "y", spec: floatSpec(2) }],
    };
    assert.deepEqual(encodeOnnx(model), encodeOnnx(structuredClone(model)));
    assert.notDeepEqual(encodeOnnx(model), encodeOnnx({ ...model, name: "n" }));
  });

  it("refuses a constant whose data does not fill its shape", () => {
    const tensor = { shape: [3], dtype: "float32", data: new Float32Array(2) } as const;
    const empty = { name: "m", opsets: { "": 21 }, nodes: [], inputs: [], outputs: [] };
    assert.throws(() => encodeOnnx({ ...empty, initializers: [{ name: "w", tensor }] }), /shape \[3\] has 2 elements/);
  });
});
