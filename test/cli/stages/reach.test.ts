import assert from "node:assert/strict";
import { longClipsOf, reachAt, type SeeingModel } from "../../../src/cli/stages/reach.ts";
import { vaeSchema } from "../../../src/models/vae/vaeConfig.ts";
import { samplesSchema } from "../../../src/sampling/samplingConfig.ts";
import { objectiveSchema } from "../../../src/train/ditConfig.ts";
import { packingSchema } from "../../../src/train/packingConfig.ts";

const grids = [
  { frames: 17, height: 32, width: 32, count: 9 },
  { frames: 33, height: 32, width: 32, count: 2 },
  { frames: 1, height: 48, width: 48, count: 1 },
];

function model(packing: object, conditioning: object = {}): SeeingModel {
  const recipe = {
    packing: packingSchema.parse(packing),
    objective: objectiveSchema.parse({ conditioning }),
    samples: samplesSchema.parse({}),
  };
  const config = vaeSchema.parse({ kind: "causal-conv", levels: [{ down: [4, 8], channels: 4 }] });
  return { recipe, facts: { grids }, vae: { config } };
}

describe("reach of a model", () => {
  it("is the longest clip of a size that it was trained on, no longer than its windows", () => {
    const square = { height: 32, width: 32 };
    assert.deepEqual(reachAt(model({}), square), { time: 4, window: 9, inside: false });
    assert.deepEqual(reachAt(model({ window: 5 }), square), { time: 4, window: 5, inside: false });
    assert.deepEqual(reachAt(model({ window: 5 }, { first: 0.3 }), square), { time: 4, window: 5, inside: true });
    assert.deepEqual(reachAt(model({ window: 20 }, { first: 0.3 }), square), { time: 4, window: 9, inside: true });
    assert.equal(reachAt(model({}), { height: 48, width: 48 }).window, 1);
    assert.equal(reachAt(model({}), { height: 64, width: 32 }).window, 9);
  });

  it("goes by the size in pixels of a grid of latents", () => {
    const long = longClipsOf(model({ window: 5 }, { independent: 0.5 }));
    assert.equal(long.reachOf({ t: 99, h: 4, w: 4 }).window, 5);
    assert.equal(long.reachOf({ t: 1, h: 6, w: 6 }).window, 1);
    assert.deepEqual([long.rolling.kind, long.reachOf({ t: 9, h: 4, w: 4 }).inside], ["blocks", true]);
    assert.equal(longClipsOf(model({ window: 5 }, { keyframes: 0.5 })).reachOf({ t: 9, h: 4, w: 4 }).inside, false);
  });

  it("refuses to roll frame by frame where no clip was trained with frames at times of their own", () => {
    const { recipe, ...rest } = model({ window: 5 }, { first: 0.5 });
    const samples = samplesSchema.parse({ rolling: { kind: "frames" } });
    assert.throws(
      () => longClipsOf({ ...rest, recipe: { ...recipe, samples } }),
      /^UserError: samples.rolling.kind: expected blocks, .* got frames; try a share of objective.conditioning.independent/,
    );
  });
});
