import assert from "node:assert/strict";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine, OnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { FlatLayout } from "../../src/train/flatState.ts";
import { StateBuffer } from "../../src/train/stateBuffer.ts";
import { overwriteState } from "../../src/train/stateCopy.ts";
import { onWebGpu } from "../engine/adapter.ts";

const layout = new FlatLayout([
  { path: "w", shape: [8, 5], init: { kind: "zeros" } },
  { path: "b", shape: [3], init: { kind: "zeros" } },
]);

function valuesOf(start: number): Float32Array {
  const values = layout.allocate();
  for (const { offset, size } of layout.slots) {
    for (let i = 0; i < size; i++) values[offset + i] = i === 0 ? -0 : Math.sin(start + i) * 10 ** (i - 20);
  }
  return values;
}

/** Overwrites a placed buffer twice; it, its copy and the tensors that programs are bound to must follow. */
async function overwriteTwice(engine: Engine): Promise<void> {
  const buffer = await StateBuffer.place(engine, layout, valuesOf(1));
  const { tensors } = buffer;
  for (const start of [2, 3]) {
    const before = await buffer.copy();
    await overwriteState(engine, buffer, valuesOf(start));
    const expected = layout.views(valuesOf(start));
    assert.equal(buffer.tensors, tensors);
    for (const [path, { data }] of Object.entries(expected)) {
      const bytes = Buffer.from(new Uint8Array(data.slice().buffer));
      for (const got of [(await buffer.fetch())[path], (await buffer.copy())[path]]) {
        assert.ok(got !== undefined && Buffer.from(new Uint8Array(got.data.slice().buffer)).equals(bytes), path);
      }
      assert.notDeepEqual(before[path]?.data, data);
    }
  }
}

describe("state that is overwritten", () => {
  it("has the new values to the bit, in host memory", async () => {
    const engine = await createOnnxEngine({ threads: 1 });
    await overwriteTwice(engine).finally(() => engine.dispose());
  });
});

onWebGpu("state on a device that is overwritten", (executor) => {
  it("has the new values to the bit", async () => {
    await overwriteTwice(new OnnxEngine(executor()));
  });
});
