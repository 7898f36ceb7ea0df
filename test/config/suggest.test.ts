import assert from "node:assert/strict";
import path from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { loadRecipe } from "../../src/config/recipe.ts";
import { schemaKeys } from "../../src/config/schema.ts";
import { editDistance, nearest } from "../../src/config/suggest.ts";
import { SampleSchema, withFiles } from "./sample.ts";

/** Every single deletion, swap, doubling and replacement by a key's right neighbour on the keyboard, and two cases. */
function typos(key: string): string[] {
  const rows = "qwertyuiop asdfghjkl zxcvbnm";
  const places = [...key].map((_, i) => i);
  const beside = (letter: string) => rows[(rows.indexOf(letter.toLowerCase()) + 1) % rows.length]?.trim() || "q";
  const all = places.flatMap((i) => {
    const [head, letter, tail] = [key.slice(0, i), key[i] ?? "", key.slice(i + 1)];
    const swapped = tail === "" ? [] : [head + tail[0] + letter + tail.slice(1)];
    return [
      head + tail,
      head + letter + letter + tail,
      head + beside(letter) + tail,
      head + letter + beside(letter) + tail,
      ...swapped,
    ];
  });
  const snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return [...new Set([...all, snake, key.toUpperCase()])].filter((typo) => typo !== key && typo !== "");
}

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
    const keys = schemaKeys(SampleSchema).map((key) => key.path);
    const known = new Set(keys);
    const wrong: string[] = [];
    let numTypos = 0;
    withFiles({ "r.yaml": "data: {dir: x}\n" }, (dir) => {
      for (const key of keys.filter((name) => !name.includes("[]"))) {
        const parent = key.slice(0, key.lastIndexOf(".") + 1);
        for (const typo of typos(key.slice(parent.length))) {
          if (known.has(parent + typo)) continue;
          numTypos += 1;
          const message = refusal(path.join(dir, "r.yaml"), `${parent}${typo}=1`);
          if (!message.includes(`unknown key; did you mean ${key}`)) wrong.push(`${parent}${typo}: ${message}`);
        }
      }
    });
    assert(numTypos > 1000, String(numTypos));
    assert(wrong.length <= 0.05 * numTypos, `${wrong.length} of ${numTypos}:\n${wrong.slice(0, 40).join("\n")}`);
  });

  it("finds keys that stand elsewhere", () => {
    withFiles({ "r.yaml": "data: {dir: x}\n" }, (dir) => {
      const suggestion = (override: string) =>
        refusal(path.join(dir, "r.yaml"), override).replace(/.*unknown key; /, "");
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

function refusal(file: string, override: string): string {
  try {
    loadRecipe(file, [override], SampleSchema);
  } catch (error) {
    assert(error instanceof UserError, String(error));
    return error.message;
  }
  return assert.fail(`${override} was accepted`);
}
