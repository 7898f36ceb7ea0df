import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { kinema, ownProgramCache, SmallRecipes } from "./smallRuns.ts";

describe("kinema evaluate", function () {
  this.timeout(120_000);
  ownProgramCache();
  let recipes: SmallRecipes;
  before(async () => {
    recipes = new SmallRecipes();
    await recipes.train("vae.yaml", recipes.vaeRun);
    await recipes.train("dit.yaml", recipes.ditRun);
  });
  after(() => recipes.remove());

  async function evaluate(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await kinema("evaluate", ...args);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  it("measures a transformer: adherence, reconstruction, loss, and the same figures again", async () => {
    const json = await evaluate(recipes.ditRun, "--prompts", "5", "--steps", "2", "--json");
    const result = JSON.parse(json);
    const { seen, vaeCeiling, heldOut } = result.adherence;
    assert.equal(heldOut, undefined, "this world holds no triples out");
    for (const report of [seen, vaeCeiling]) {
      assert.equal(report.n, 5);
      for (const name of ["all", "colour", "shape", "motion", "count"]) {
        assert.ok(report[name] >= 0 && report[name] <= 1, name);
        const [low, high] = report.ci95[name];
        assert.ok(low <= report[name] && report[name] <= high, name);
      }
    }
    assert.ok(result.vae.psnr > 5 && result.vae.ssim < 1);
    for (const levels of Object.values<Record<string, number>>(result.loss.buckets)) {
      assert.deepEqual(Object.keys(levels), ["0.1", "0.3", "0.5", "0.7", "0.9"]);
    }
    assert.equal(await evaluate(recipes.ditRun, "--prompts", "5", "--steps", "2", "--json"), json);
    const another = JSON.parse(
      await evaluate(recipes.ditRun, "--prompts", "5", "--steps", "2", "--seed", "1", "--json"),
    );
    assert.notDeepEqual(another.flicker, result.flicker);
    const folder = join(recipes.ditRun, "evaluation");
    assert.deepEqual(JSON.parse(readFileSync(join(folder, `step-${result.step}.json`), "utf8")), another);
    assert.ok(existsSync(join(folder, `step-${result.step}.png`)), "a contact sheet");
    assert.ok(readdirSync(join(recipes.ditRun, "tb")).length >= 2, "events of their own");
  });

  it("measures a VAE by size, as a table", async () => {
    const text = await evaluate(recipes.vaeRun);
    assert.match(text, /^size +PSNR dB +SSIM\n-+/);
    assert.match(text, /\nall +\d+\.\d\d +0\.\d{4}\n/);
  });

  it("answers wrong use with one line and exit code 2", async () => {
    const cases: readonly (readonly [RegExp, ...string[]])[] = [
      [/^--prompts: expected one whole number, at least 1, got 0\n$/, recipes.ditRun, "--prompts", "0"],
      [/^\S+none: .*expected.*\n$/, recipes.at("none")],
    ];
    for (const [message, ...args] of cases) {
      const { code, stderr } = await kinema("evaluate", ...args);
      assert.deepEqual([code, message.test(stderr)], [2, true], stderr);
    }
  });
});
