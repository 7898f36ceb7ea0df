import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HISTOGRAMS } from "../../data/plans/histograms.ts";
import { scratchFolder } from "../../data/scratch.ts";
import { kinema, SmallRecipes } from "../smallRuns.ts";

describe("kinema inspect plan", function () {
  this.timeout(120_000);
  const scratch = scratchFolder();

  function file(name: string, value: unknown): string {
    const path = join(scratch(), name);
    writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
    return path;
  }

  function histogramFile(): string {
    const entries = HISTOGRAMS["half images"] ?? [];
    return file(
      "half.json",
      entries.map(({ grid: { t, h, w }, count }) => ({ frames: t, height: h, width: w, count })),
    );
  }

  it("plans any histogram, as one line of JSON, the same each time", async () => {
    const options = [
      "inspect",
      "plan",
      "--histogram",
      histogramFile(),
      "--tokens",
      "8192",
      "--max-plans",
      "4",
      "--json",
    ];
    const { code, stdout, stderr } = await kinema(...options);
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trimEnd().split("\n").length, 1);
    const { plans, fill, frequencyError, maxCostRatio, mode } = JSON.parse(stdout);
    assert.equal(mode, "plans");
    assert.ok(plans.length <= 4 && fill >= 0.98 && frequencyError <= 0.02 && maxCostRatio >= 1);
    for (const { grids, tokens } of plans) {
      const sum = grids.reduce((total: number, [t, h, w]: [number, number, number]) => total + t * h * w, 0);
      assert.ok(sum === tokens && tokens <= 8192);
    }
    assert.equal((await kinema(...options)).stdout, stdout);
  });

  it("answers bad files and options with one line", async () => {
    const cases: readonly (readonly [RegExp, ...string[]])[] = [
      [/^inspect plan: expected a recipe or --histogram FILE, got neither\n$/],
      [
        /nowhere\.json: expected a file .*, got no such file; try .*\n$/,
        "--histogram",
        "nowhere.json",
        "--tokens",
        "9",
      ],
      [/^--tokens: .*, got none; try --tokens 4096\n$/, "--histogram", histogramFile()],
      [/^--tokens: expected int, got 10\.5\n$/, "--histogram", histogramFile(), "--tokens", "10.5"],
      [/at least 4352 for the clips of 17x16x16 .* try .*\n$/, "--histogram", histogramFile(), "--tokens", "4000"],
      [/empty\.json: .*\n$/, "--histogram", file("empty.json", []), "--tokens", "9"],
      [/torn\.json: expected JSON, got .*\n$/, "--histogram", file("torn.json", "[{"), "--tokens", "9"],
      [
        /zero\.json 0\.width: .*\n$/,
        "--histogram",
        file("zero.json", [{ frames: 1, height: 1, width: 0, count: 1 }]),
        "--tokens",
        "9",
      ],
      [/^recipe\.yaml: expected packing\.fill=0\.9 beside a recipe/, "recipe.yaml", "--fill", "0.9"],
    ];
    for (const [message, ...options] of cases) {
      const { code, stderr } = await kinema("inspect", "plan", ...options);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    }
  });

  it("draws a recipe's plans from its dataset, before there is a VAE", async () => {
    const recipes = new SmallRecipes();
    try {
      const { code, stdout, stderr } = await kinema("inspect", "plan", recipes.at("dit.yaml"), "packing.maxPlans=2");
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^\d plans? of 24 tokens: fill /);
      assert.match(stdout, /\nA {2}2x2x2 +8 /);
      assert.ok(!stdout.includes("\x1b"), "no colours where there is no terminal");
    } finally {
      recipes.remove();
    }
  });
});
