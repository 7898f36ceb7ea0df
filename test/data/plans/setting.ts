import type { CostModel } from "../../../src/data/plans/cost.ts";
import type { PackingOptions } from "../../../src/data/plans/decide.ts";
import type { GridShare } from "../../../src/data/plans/plan.ts";

/** A transformer of width 384: 24 D^2 a token against 4 D a pair of tokens. */
export const SMALL_COST: CostModel = { perClip: 0, perFrame: 0, perToken: 24 * 384 * 384, perTokenPair: 4 * 384 };

/** What packing.* is by default, with the budget given. */
export function targets({ tokens, ...others }: Partial<PackingOptions> & { tokens: number }): PackingOptions {
  return {
    tokens,
    maxPlans: 16,
    fill: 0.98,
    frequencyError: 0.02,
    balance: 0.1,
    mode: "auto",
    longClips: "refuse",
    rare: "plan",
    rareShare: 0.001,
    ...others,
  };
}

/** `5x4x8` for 7 clips: `["5x4x8", 7]`. */
export function shares(...entries: readonly (readonly [grid: string, count: number])[]): GridShare[] {
  return entries.map(([key, count]) => {
    const [t = 1, h = 1, w = 1] = key.split("x").map(Number);
    return { grid: { t, h, w }, count };
  });
}
