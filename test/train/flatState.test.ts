import assert from "node:assert/strict";
import { floats } from "../../src/base/tensors.ts";
import { normal, ones, uniform, zeros } from "../../src/nn/params.ts";
import { FlatLayout } from "../../src/train/flatState.ts";

const layout = new FlatLayout([
  { path: "gain", shape: [5], init: ones },
  { path: "a.weight", shape: [40, 50], init: normal(0.02) },
  { path: "b.weight", shape: [3, 7], init: uniform(0.5) },
  { path: "b.bias", shape: [7], init: zeros },
]);

describe("FlatLayout", () => {
  it("puts decayed matrices before vectors, aligned and without overlap", () => {
    assert.deepEqual(
      layout.slots.map(({ path }) => path),
      ["a.weight", "b.weight", "gain", "b.bias"],
    );
    let end = 0;
    for (const { offset, size } of layout.slots) {
      assert.ok(offset >= end && offset % 16 === 0);
      end = offset + size;
    }
    assert.ok(end <= layout.length);
    assert.equal(layout.numParams, 2000 + 21 + 5 + 7);
    assert.deepEqual(
      layout.groups.map(({ decayed, start, end }) => [decayed, start, end]),
      [
        [true, 0, 2032],
        [false, 2032, 2064],
      ],
    );
  });

  it("views share the buffer's memory", () => {
    const buffer = layout.allocate();
    layout.views(buffer).gain?.data.set([1, 2, 3, 4, 5]);
    assert.deepEqual([...buffer.subarray(2032, 2038)], [1, 2, 3, 4, 5, 0]);
  });

  it("initialises as asked, each parameter by its own key", () => {
    const buffer = layout.allocate();
    layout.initialise(buffer, 7);
    const views = layout.views(buffer);
    const weights = [...(views["a.weight"]?.data ?? [])];
    const std = Math.sqrt(weights.reduce((sum, x) => sum + x * x, 0) / weights.length);
    // Five standard errors of a standard deviation over 2,000 draws: 8 %.
    assert.ok(Math.abs(std / 0.02 - 1) < 0.08, `std ${std}`);
    assert.ok([...(views["b.weight"]?.data ?? [])].every((x) => Math.abs(x) <= 0.5));
    assert.ok([...(views.gain?.data ?? [])].every((x) => x === 1));
    const alone = new FlatLayout([{ path: "b.weight", shape: [3, 7], init: uniform(0.5) }]);
    const other = alone.allocate();
    alone.initialise(other, 7);
    assert.deepEqual(alone.views(other)["b.weight"]?.data, views["b.weight"]?.data);
  });

  it("refuses tensors of another model by name", () => {
    const buffer = layout.allocate();
    const tensors = layout.views(layout.allocate());
    const { gain, ...missing } = tensors;
    assert.throws(() => layout.load(buffer, missing, "ckpt"), /ckpt: expected a tensor gain, got none/);
    assert.throws(() => layout.load(buffer, { ...tensors, extra: floats([1]) }, "ckpt"), /ckpt: holds extra/);
    const wrong = { ...tensors, gain: floats([6]) };
    assert.throws(() => layout.load(buffer, wrong, "ckpt"), /ckpt gain: expected float32 \[5\], got float32 \[6\]/);
    assert.ok(gain);
  });
});
