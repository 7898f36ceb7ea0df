import assert from "node:assert/strict";
import type { Highs } from "highs";
import { gridSize } from "../../../src/base/grid.ts";
import { KeyedRandom } from "../../../src/base/random.ts";
import { choosePlans } from "../../../src/data/plans/choosePlans.ts";
import { type GridShare, mergeCounts } from "../../../src/data/plans/plan.ts";
import { loadHighs } from "./highs.ts";
import { SMALL_COST, targets } from "./setting.ts";

/** Every pack that fits: counts of each grid. */
function allPacks(sizes: readonly number[], room: number): number[][] {
  const [size, ...others] = sizes;
  if (size === undefined) return [[]];
  return Array.from({ length: Math.floor(room / size) + 1 }, (_, count) =>
    allPacks(others, room - count * size).map((rest) => [count, ...rest]),
  ).flat();
}

/**
 * The least frequency error that `maxPlans` packs reach with a fill, each grid drawn at least half as often as wanted:
 * a mixed-integer program over every pack there is. Undefined when none do.
 */
function leastError(solver: Highs, histogram: readonly GridShare[], tokens: number, maxPlans: number, fill: number) {
  const sizes = histogram.map(({ grid }) => gridSize(grid));
  const total = histogram.reduce((sum, { count }) => sum + count, 0);
  const packs = allPacks(sizes, tokens).filter((counts) => counts.some((count) => count > 0));
  const used = packs.map((counts) => counts.reduce((sum, count, i) => sum + count * (sizes[i] as number), 0));
  const term = (value: number, name: string): string => `${value < 0 ? "-" : "+"} ${Math.abs(value)} ${name}`;
  const sum = (of: (pack: number) => number): string =>
    packs
      .map((_, p) => [of(p), p] as const)
      .filter(([value]) => value !== 0)
      .map(([v, p]) => term(v, `x${p}`))
      .join(" ");
  const grids = histogram.map(({ count }, i) => ({ i, share: count / total }));
  // x: packs of a kind per clip drawn, at most 1.
  const program = [
    "Minimize",
    ` error: ${grids.map(({ i }) => `+ 0.5 o${i} + 0.5 u${i}`).join(" ")}`,
    "Subject To",
    ...grids.map(({ i, share }) => ` g${i}: ${sum((p) => packs[p]?.[i] ?? 0)} - o${i} + u${i} = ${share}`),
    ...grids.map(({ i, share }) => ` f${i}: ${sum((p) => packs[p]?.[i] ?? 0)} >= ${share / 2}`),
    ` clips: ${sum((p) => (packs[p] ?? []).reduce((clips, count) => clips + count, 0))} = 1`,
    ` fill: ${sum((p) => (used[p] ?? 0) / tokens - fill)} >= 0`,
    ...packs.map((_, p) => ` d${p}: x${p} - y${p} <= 0`),
    ` plans: ${packs.map((_, p) => `+ y${p}`).join(" ")} <= ${maxPlans}`,
    "Binary",
    ` ${packs.map((_, p) => `y${p}`).join(" ")}`,
    "End",
  ];
  const { Status, ObjectiveValue } = solver.solve(program.join("\n"), { output_flag: false });
  return Status === "Optimal" ? ObjectiveValue : undefined;
}

describe("plans beside the best there are", function () {
  this.timeout(120_000);

  it("are hardly ever worse than those of a mixed-integer program over every pack", async () => {
    const solver = await loadHighs();
    const excess: number[] = [];
    for (let trial = 0; trial < 8; trial++) {
      const random = new KeyedRandom(5, "test.optimal plans", trial);
      const histogram = mergeCounts(
        Array.from({ length: 4 }, () => ({ grid: { t: 1, h: 1, w: 6 + random.int(20) }, count: 1 + random.int(99) })),
      );
      const [tokens, maxPlans] = [48, 2 + random.int(2)];
      const wish = targets({ tokens, maxPlans, fill: 0.9, frequencyError: 0, balance: 0 });
      const { bounds, ...found } = await choosePlans(histogram, wish, SMALL_COST);
      const best = leastError(solver, histogram, tokens, maxPlans, Math.min(found.fill, wish.fill));
      assert.ok(best !== undefined, "plans were found");
      assert.ok(found.frequencyError >= best - 1e-6, `${found.frequencyError} below the least, ${best}`);
      excess.push(found.frequencyError - best);
    }
    const mean = excess.reduce((sum, value) => sum + value, 0) / excess.length;
    assert.ok(mean < 0.005 && Math.max(...excess) < 0.04, excess.map((value) => value.toFixed(4)).join(" "));
  });
});
