import assert from "node:assert/strict";
import path from "node:path";
import { editDistance, nearest } from "../../src/config/suggest.ts";
import { recipeSchema } from "../../src/registry.ts";
import { SampleSchema, withFiles } from "./sample.ts";
import { refusal, suggestionsFor } from "./typos.ts";

describe("suggestions", () => {
  it("counts edits as people make them", () => {
    const cases: [string, string, number][] = [
      ["steps", "steps", 0],
      ["stesp", "steps", 1],
      ["step", "steps", 1],
      ["", "abc", 3],
      ["kitten", "sitting", 3],
    ];
    for (const [a, b, edits] of cases) {
      assert.equal(editDistance(a, b), edits);
      assert.equal(editDistance(b, a), edits);
    }
    assert.deepEqual(nearest("learning_rate", ["learningRate", "learningRates"]), ["learningRate"]);
    assert.deepEqual(nearest("zzz", ["steps"]), []);
  });

  it("names the right key for at least 95 % of all single-edit typos, and always refuses them", () => {
    withFiles({ "r.yaml": "data: {dir: x}\n" }, (dir) => {
      const { numTypos, wrong } = suggestionsFor(SampleSchema, path.join(dir, "r.yaml"), 3);
      assert(numTypos > 400, String(numTypos));
      assert(wrong.length <= 0.05 * numTypos, `${wrong.length} of ${numTypos}:\n${wrong.slice(0, 40).join("\n")}`);
    });
  });

  it("does so over the whole recipe schema, in recipes of both kinds", () => {
    for (const name of ["tiny", "tiny-vae"]) {
      const { numTypos, wrong } = suggestionsFor(recipeSchema, `configs/${name}.yaml`, 15);
      assert(numTypos > 100, String(numTypos));
      assert(wrong.length <= 0.05 * numTypos, `${wrong.length} of ${numTypos}:\n${wrong.slice(0, 40).join("\n")}`);
    }
  });

  it("finds keys that stand elsewhere", () => {
    withFiles({ "r.yaml": "data: {dir: x}\n" }, (dir) => {
      const suggestion = (override: string) =>
        refusal(SampleSchema, path.join(dir, "r.yaml"), override).replace(/.*unknown key; /, "");
      assert.equal(suggestion("emaDecay=0.9"), "did you mean train.emaDecay?");
      assert.equal(suggestion("model.learning_rate=1"), "did you mean optim.learningRate?");
      assert.equal(
        suggestion("optim.xyzzy=1"),
        "optim knows learningRate, schedule, minRate, warmupSteps, weightDecay, betas, clipNorm",
      );
      assert.equal(suggestion("engine.checkNumeric=true"), "did you mean engine.checkNumerics?");
    });
  });
});
