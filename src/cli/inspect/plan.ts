import type { CommandModule } from "yargs";
import type { Grid } from "../../base/grid.ts";
import type { Redraw } from "../../data/plans/assign.ts";
import { decidePacking, type PackingDecision } from "../../data/plans/decide.ts";
import { type Plan, tokensIn } from "../../data/plans/plan.ts";
import { ditSchema } from "../../models/dit/ditConfig.ts";
import { ditCost } from "../../models/dit/ditCost.ts";
import type { PackedClips } from "../../train/packClips.ts";
import { packingSchema } from "../../train/packingConfig.ts";
import { jsonOption, say, sayJson, UsageError } from "../command.ts";
import { parseOptions } from "../data/options.ts";
import { drawPacking } from "./drawPacking.ts";
import { readHistogram } from "./histogramFile.ts";

/** What a recipe says by its keys, for a histogram without a recipe. */
interface PackingFlags {
  tokens: number | undefined;
  "max-plans": number | undefined;
  fill: number | undefined;
  mode: string | undefined;
  "long-clips": string | undefined;
  rare: string | undefined;
}

interface PlanOptions extends PackingFlags {
  recipe: string | undefined;
  overrides: string[];
  histogram: string | undefined;
  json: boolean;
}

/** Latent channels of the model that a histogram without a recipe is planned for. */
const LATENT_CHANNELS = 16;
const COLUMNS_OF_A_FILE = 110;

/** How a recipe's clips are packed: see `stages/planOfRecipe.ts`, which imports all that a recipe may hold. */
export type PlanOfRecipe = (file: string, overrides: readonly string[]) => Promise<PackedClips>;

/** `kinema inspect plan`: how the clips of a recipe, or of any histogram of grids, are packed. */
export const inspectPlanCommand = (planOfRecipe: PlanOfRecipe): CommandModule<object, PlanOptions> => ({
  command: "plan [recipe] [overrides..]",
  describe: "Draw the plans that a recipe's clips are packed by",
  builder: (cli) =>
    cli
      .positional("recipe", { type: "string", describe: "the recipe, a YAML file" })
      .positional("overrides", {
        type: "string",
        array: true,
        default: [],
        describe: "key.path=value, such as packing.maxPlans=16; later ones win",
      })
      .option("histogram", { type: "string", describe: "a JSON file of grids and counts, in place of a recipe" })
      .option("tokens", { type: "number", describe: "with --histogram: tokens a pack may hold" })
      .option("max-plans", { type: "number", describe: "with --histogram: plans in use" })
      .option("fill", { type: "number", describe: "with --histogram: share of the tokens that should hold clips" })
      .option("mode", { type: "string", describe: "with --histogram: auto, plans or masked" })
      .option("long-clips", { type: "string", describe: "with --histogram: refuse or cut" })
      .option("rare", { type: "string", describe: "with --histogram: plan or merge" })
      .option("json", jsonOption)
      .example("$0 inspect plan configs/quickstart.yaml", "a bar for each plan")
      .example("$0 inspect plan --histogram grids.json --tokens 4096 --max-plans 16 --json", "for a script")
      .epilogue(
        'FILE of --histogram: [{"frames":5,"height":8,"width":8,"count":100}, ...], sizes in tokens. Without a recipe, ' +
          "FLOPs are those of the default transformer.",
      ),
  handler: async (options) => {
    const { recipe, overrides, histogram, json } = options;
    const flags = packingFlags(options);
    const { decision, cost } =
      histogram === undefined
        ? await planOfRecipe(recipeWithout(flags, recipe), overrides)
        : await planOfHistogram(histogram, recipe, flags);
    if (json) {
      sayJson(jsonOf(decision));
      return;
    }
    const isTerminal = process.stdout.isTTY === true;
    const columns = isTerminal ? process.stdout.columns : COLUMNS_OF_A_FILE;
    const isColoured = isTerminal && (process.env.NO_COLOR ?? "") === "";
    for (const line of drawPacking(decision, cost, { columns, isColoured })) say(line);
  },
});

/** The flags that were given, by their keys in a recipe. */
function packingFlags({ tokens, fill, mode, rare, ...options }: PackingFlags): Record<string, string | number> {
  const flags = { tokens, maxPlans: options["max-plans"], fill, mode, longClips: options["long-clips"], rare };
  return Object.fromEntries(
    Object.entries(flags).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

function recipeWithout(flags: Record<string, string | number>, recipe: string | undefined): string {
  if (recipe === undefined) {
    throw new UsageError("inspect plan", { expected: "a recipe or --histogram FILE", got: "neither" });
  }
  for (const [key, value] of Object.entries(flags)) {
    const override = `packing.${key}=${value}`;
    throw new UsageError(recipe, { expected: `${override} beside a recipe`, got: "an option for --histogram" });
  }
  return recipe;
}

async function planOfHistogram(file: string, recipe: string | undefined, flags: Record<string, string | number>) {
  if (recipe !== undefined) {
    throw new UsageError("--histogram", { expected: "it, or a recipe", got: `both, with ${recipe}` });
  }
  if (flags.tokens === undefined) {
    throw new UsageError("--tokens", { expected: "the tokens a pack may hold", got: "none", try: "--tokens 4096" });
  }
  const packing = parseOptions(packingSchema, flags);
  const cost = ditCost(ditSchema.parse({ kind: "dit" }), LATENT_CHANNELS);
  return { decision: await decidePacking(readHistogram(file), packing, cost), cost };
}

/** What a script reads. The first four keys are those of the plans, also of such as were rejected for masked packs. */
function jsonOf(decision: PackingDecision) {
  const set = decision.mode === "plans" ? decision : decision.rejected;
  const { mode, tokens, costs, draws, cut, merged, explanations } = decision;
  return {
    plans: (set?.plans ?? []).map(planJson),
    fill: set?.fill ?? null,
    frequencyError: set?.frequencyError ?? null,
    maxCostRatio: set?.maxCostRatio ?? null,
    mode,
    tokens,
    ...(decision.mode === "masked" ? { rows: decision.rows, maxClips: decision.maxClips } : {}),
    bounds: set?.bounds ?? null,
    flopsPerToken: { plans: costs.plans ?? null, masked: costs.masked },
    draws: draws.map(({ grid, wanted, drawn }) => ({ grid: sides(grid), wanted, drawn })),
    cut: cut.map(redrawJson),
    merged: merged.map(redrawJson),
    explanations,
  };
}

function planJson({ grids, rate }: Plan) {
  return { grids: grids.map(sides), tokens: tokensIn(grids), rate };
}

function redrawJson({ from, to, count }: Redraw) {
  return { from: sides(from), to: sides(to), count };
}

function sides({ t, h, w }: Grid): [number, number, number] {
  return [t, h, w];
}
