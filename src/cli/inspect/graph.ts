import type { CommandModule } from "yargs";
import { engineSchema } from "../../engine/engineConfig.ts";
import { providerNames } from "../../engine/onnx/provider.ts";
import { precisions } from "../../engine/precision.ts";
import { countOps } from "../../engine/runtime/placement.ts";
import { benchCases } from "../bench/cases.ts";
import { jsonOption, say, sayJson, UsageError } from "../command.ts";
import { programsOfRecipe } from "../stages/programsOfRecipe.ts";
import { type ProgramReport, reportPrograms } from "./programReport.ts";

interface GraphOptions {
  recipe: string | undefined;
  overrides: string[];
  case: string | undefined;
  forward: boolean;
  provider: (typeof providerNames)[number] | undefined;
  precision: (typeof precisions)[number] | undefined;
  text: boolean;
  json: boolean;
}

/** `kinema inspect graph`: the programs that a recipe or a workload of fixed size compiles. */
export const inspectGraphCommand: CommandModule<object, GraphOptions> = {
  command: "graph [recipe] [overrides..]",
  describe: "Print compiled programs, and what of them a GPU cannot compute",
  builder: (cli) =>
    cli
      .positional("recipe", { type: "string", describe: "the recipe, a YAML file" })
      .positional("overrides", {
        type: "string",
        array: true,
        default: [],
        describe: "key.path=value, such as engine.provider=webgpu; later ones win",
      })
      .option("case", {
        choices: Object.keys(benchCases),
        describe: "a workload of `engine bench`, in place of a recipe",
      })
      .option("forward", { type: "boolean", default: false, describe: "with --case: a forward pass alone" })
      .option("provider", { choices: providerNames, describe: "with --case: what computes [default: cpu]" } as const)
      .option("precision", { choices: precisions, describe: "with --case: of products [default: f32]" } as const)
      .option("text", { type: "boolean", default: true, describe: "print the first program whole" })
      .option("json", jsonOption)
      .example("$0 inspect graph configs/tiny.yaml engine.provider=webgpu --no-text", "what stays on the processors")
      .example("$0 inspect graph --case dit-s --provider webgpu", "the program of a training step"),
  handler: async (options) => {
    const reports = await reportsOf(options);
    if (options.json) {
      sayJson(reports);
      return;
    }
    if (options.text) for (const line of (reports[0]?.text ?? "").trimEnd().split("\n")) say(line);
    for (const report of reports) for (const line of linesOf(report)) say(line);
  },
};

async function reportsOf({ recipe, overrides, case: name, forward, provider, precision }: GraphOptions) {
  if ((recipe === undefined) === (name === undefined)) {
    const got = recipe === undefined ? "neither" : "both";
    throw new UsageError("inspect graph", { expected: "a recipe or --case", got });
  }
  if (recipe !== undefined) {
    const flag = forward
      ? "--forward"
      : provider !== undefined
        ? "--provider"
        : precision !== undefined
          ? "--precision"
          : "";
    if (flag !== "") {
      throw new UsageError(flag, {
        expected: "it with --case only",
        got: `it with ${recipe}`,
        try: "engine.provider=webgpu",
      });
    }
    const { sources, engine } = await programsOfRecipe(recipe, overrides);
    return reportPrograms(sources, engine);
  }
  const source = benchCases[name as string]?.source(forward ? "forward" : "train");
  const cfg = engineSchema.parse({ provider, precision });
  return reportPrograms(source === undefined ? [] : [source], cfg);
}

function linesOf({ name, provider, precision, nodes, ops, flops, fallbacks, reason }: ProgramReport): string[] {
  const counts = Object.entries(ops).map(([op, count]) => `${op} ${count}`);
  return [
    `${name}: ${nodes} nodes, ${(flops / 1e9).toPrecision(4)} GFLOP (${counts.join(", ")})`,
    `${name}: ${provider}, ${precision}: ${placementLine(fallbacks, reason)}`,
  ];
}

function placementLine(fallbacks: ProgramReport["fallbacks"], reason: string | undefined): string {
  if (fallbacks === null) return `what runs on the processors cannot be told here (${reason})`;
  if (fallbacks.length === 0) return "no operation falls back to the processors";
  const places = fallbacks.map(({ node, op }) => `${op} of ${node === "" ? "no node" : node}`);
  return `${fallbacks.length} operations on the processors (${countOps(fallbacks)}): ${places.join(", ")}`;
}
