import assert from "node:assert/strict";
import { drawPacking, flopsText } from "../../../src/cli/inspect/drawPacking.ts";
import { decidePacking } from "../../../src/data/plans/decide.ts";
import { SMALL_COST, shares, targets } from "../../data/plans/setting.ts";

const columns = 82;

describe("drawPacking", () => {
  it("draws each clip as wide as its share of the tokens, and tells what every grid gets", async () => {
    const wish = targets({ tokens: 80, maxPlans: 1 });
    const decision = await decidePacking(shares(["1x4x4", 4], ["1x2x4", 2]), wish, SMALL_COST);
    const lines = drawPacking(decision, SMALL_COST, { columns, isColoured: false });
    assert.deepEqual(lines, [
      "1 plan of 80 tokens: fill 100.0 %, frequency error 0.0000, dearest step 1.00 times the cheapest",
      "",
      `   share  ${"grids".padEnd(40)}  tokens     fill       a step`,
      ` 100.0 %  ${"A".repeat(8)}${"a".repeat(8)}${"A".repeat(8)}${"a".repeat(8)}BBBBbbbb      80  100.0 %    285 MFLOP`,
      "",
      "   grid   tokens   wanted    drawn",
      "A  1x4x4      16   66.7 %   66.7 %",
      "B  1x2x4       8   33.3 %   33.3 %",
    ]);
  });

  it("leaves room that no clip fills, says why, and names what is cut", async () => {
    const wish = targets({ tokens: 100, longClips: "cut" });
    const decision = await decidePacking(shares(["3x4x10", 7]), wish, SMALL_COST);
    const lines = drawPacking(decision, SMALL_COST, { columns, isColoured: false });
    assert.match(lines[3] ?? "", /A{32}·{8} {6}80 {3}80\.0 %/);
    assert.deepEqual(lines.slice(-3), [
      "cut in time: 3x4x10 is drawn as 2x4x10 (7 clips)",
      "no set of plans of 100 tokens with a frequency error of at most 0.02 fills more than 80.00 %: bound of the linear program over all packs",
      "the fullest packs of 100 tokens that hold one: 2x4x10 (80 tokens): 80, 80.00 %",
    ]);
  });

  it("paints only where it is told to", async () => {
    const decision = await decidePacking(shares(["1x4x4", 4]), targets({ tokens: 16 }), SMALL_COST);
    const paint = (isColoured: boolean) => drawPacking(decision, SMALL_COST, { columns, isColoured }).join("\n");
    assert.ok(!paint(false).includes("\x1b"));
    assert.ok(paint(true).includes(`\x1b[30;48;5;117mA${" ".repeat(39)}\x1b[0m`));
  });

  it("draws the plans that were rejected for masked packs, and says that they were", async () => {
    const wish = targets({ tokens: 100, maxPlans: 2 });
    const decision = await decidePacking(shares(["1x1x90", 5], ["1x1x80", 5], ["1x1x70", 3]), wish, SMALL_COST);
    const lines = drawPacking(decision, SMALL_COST, { columns, isColoured: false });
    assert.equal(lines[0], "masked packs of 100 tokens in rows of 100, at most 1 clips");
    assert.match(lines[1] ?? "", /^2 plans of 100 tokens/);
    assert.equal(lines.at(-1), "masked packs: 2 plans do not hold every grid");
  });

  it("tells FLOPs in three figures", () => {
    const texts = [12, 999.6, 1500, 3.456e9, 1.2e12, 7e18].map(flopsText);
    assert.deepEqual(texts, ["12.0 FLOP", "1.00 kFLOP", "1.50 kFLOP", "3.46 GFLOP", "1.20 TFLOP", "7.00e+3 PFLOP"]);
  });
});
