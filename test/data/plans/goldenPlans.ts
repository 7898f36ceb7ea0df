import { gridKey } from "../../../src/base/grid.ts";
import { assignGrids } from "../../../src/data/plans/assign.ts";
import { choosePlans } from "../../../src/data/plans/choosePlans.ts";
import { HISTOGRAMS } from "./histograms.ts";
import { SMALL_COST, targets } from "./setting.ts";

const CASES = [
  ["half images", 8192],
  ["40 grids, long tail", 2048],
] as const;

/** Plans that must be the same on every machine: rates, and grids as counts of keys. */
export async function plansByName(): Promise<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {};
  for (const [name, tokens] of CASES) {
    const wish = targets({ tokens, longClips: "cut" });
    const { plans } = await choosePlans(assignGrids(HISTOGRAMS[name] ?? [], wish).histogram, wish, SMALL_COST);
    found[`${name}, ${tokens} tokens`] = plans.map(({ grids, rate }) => `${rate} ${grids.map(gridKey).join()}`);
  }
  return found;
}
