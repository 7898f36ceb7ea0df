import { gridSize } from "../../base/grid.ts";
import { choosePlans } from "../../data/plans/choosePlans.ts";
import { mergeCounts } from "../../data/plans/plan.ts";
import type { Engine } from "../../engine/engine.ts";
import { ditCost } from "../../models/dit/ditCost.ts";
import { packingSchema } from "../../train/packingConfig.ts";
import { compareWays, PACKING_MODEL, type WayResult } from "./packing/compare.ts";
import { FORTY_GRIDS } from "./packing/fortyGrids.ts";
import { bucketed, drawnBy, maskedRows, padded, planned } from "./packing/ways.ts";

/** Tokens of a step, whatever the way: those of the longest clip. */
const BUDGET = Math.max(...FORTY_GRIDS.map(({ grid }) => gridSize(grid)));
const MAX_PLANS = 16;

/** What `kinema engine bench --case packing --json` prints. */
export interface PackingResult {
  readonly case: "packing";
  readonly engine: string;
  /** Tokens that a step has room for. */
  readonly tokens: number;
  /** `speedup`: tokens a second with plans over tokens a second this way. */
  readonly ways: readonly (WayResult & { readonly speedup: number })[];
}

export interface PackingBench {
  readonly describe: string;
  /** Programs run in all, for progress. */
  numRuns(rounds: number): number;
  run(engine: Engine, rounds: number, update: (done: number) => void): Promise<PackingResult>;
}

/**
 * Training tokens a second on the 40-grid histogram: plans against buckets, masked rows and padding. One model, one
 * engine, one budget of tokens a step, and the same clips in the same proportions, those in which the plans draw them.
 */
export async function benchPacking(): Promise<PackingBench> {
  const packing = packingSchema.parse({ tokens: BUDGET, maxPlans: MAX_PLANS });
  const cost = ditCost(PACKING_MODEL.dit, PACKING_MODEL.latentChannels);
  const { plans } = await choosePlans(mergeCounts(FORTY_GRIDS), packing, cost);
  const mix = drawnBy(plans);
  const ways = [planned(plans), bucketed(mix, BUDGET), maskedRows(mix, BUDGET), padded(mix, BUDGET)];
  const numPrograms = ways.reduce((sum, { programs }) => sum + programs.length, 0);
  return {
    describe: `gradient steps of ${BUDGET} tokens, 40 grids, ${plans.length} plans; width 256, 4 heads, depth 2, text`,
    numRuns: (rounds) => numPrograms * (rounds + 1),
    run: async (engine, rounds, update) => {
      const results = await compareWays(engine, ways, rounds, update);
      const best = results[0]?.tokensPerSecond ?? Number.NaN;
      const compared = results.map((result) => ({ ...result, speedup: round(best / result.tokensPerSecond) }));
      return { case: "packing", engine: engine.kind, tokens: BUDGET, ways: compared };
    },
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
