import assert from "node:assert/strict";
import { samplingWith } from "../../../src/cli/stages/samplingWith.ts";
import { samplesSchema } from "../../../src/sampling/samplingConfig.ts";

describe("samplingWith", () => {
  const none = { steps: undefined, cfg: undefined };
  const recipe = (samples: object) => samplesSchema.parse(samples);

  it("changes what a command says and nothing else", () => {
    const samples = recipe({ sampler: { kind: "unipc", steps: 12 }, guidance: { kind: "apg", scale: 4 } });
    const { sampler, guidance } = samples;
    assert.deepEqual(samplingWith(samples, none), { sampler, guidance });
    assert.deepEqual(samplingWith(samples, { steps: 7, cfg: 2, negative: "dull" }), {
      sampler: { ...sampler, steps: 7 },
      guidance: { ...guidance, scale: 2, negative: "dull" },
    });
  });

  it("refuses what would do nothing", () => {
    const listed = recipe({ sampler: { schedule: { kind: "times", times: [1, 0.5, 0] } } });
    assert.throws(() => samplingWith(listed, { ...none, steps: 3 }), /^UserError: --steps: expected none: the recipe/);
    assert.throws(
      () => samplingWith(recipe({}), { ...none, cfg: 1, negative: "dull" }),
      /^UserError: --negative: expected a guidance scale other than 1, got 1; try --cfg 5/,
    );
  });
});
