import type { CommandModule } from "yargs";
import type { JsonObject } from "../../base/json.ts";
import { plainValue } from "../../config/node.ts";
import { parseYaml } from "../../config/yaml.ts";
import { table } from "../../report/table.ts";
import { type CheckpointDiff, compareCheckpoints, type TensorDifference } from "../../train/checkpointDiff.ts";
import { showDifference } from "../../train/runIdentity.ts";
import { jsonOption, say, sayJson } from "../command.ts";

interface DiffOptions {
  first: string;
  second: string;
  json: boolean;
}

/** `kinema inspect diff`: how two checkpoints differ. */
export const inspectDiffCommand: CommandModule<object, DiffOptions> = {
  command: "diff <first> <second>",
  describe: "Compare two checkpoints: configs, weights and states",
  builder: (cli) =>
    cli
      .positional("first", {
        type: "string",
        demandOption: true,
        describe: "folder of a run (its newest) or checkpoint",
      })
      .positional("second", { type: "string", demandOption: true, describe: "the other" })
      .option("json", jsonOption)
      .example("$0 inspect diff experiments/tiny/main experiments/tiny/other", "are two runs the same?"),
  handler: async ({ first, second, json }) => {
    const diff = await compareCheckpoints(first, second, parseConfig);
    // JSON holds no infinity: a text tells it.
    if (json) sayJson({ ...diff, tensors: diff.tensors.map(withFiniteNumbers) });
    else show(diff);
  },
};

function withFiniteNumbers({ maxAbs, maxRelative, ...rest }: TensorDifference) {
  const finite = (value: number | null) => (value === Number.POSITIVE_INFINITY ? "Infinity" : value);
  return { ...rest, maxAbs: finite(maxAbs), maxRelative: finite(maxRelative) };
}

function parseConfig(text: string, file: string): JsonObject {
  return plainValue(parseYaml(text, (line, col) => ({ kind: "file", file, line, col }))) as JsonObject;
}

function show({ folders, steps, config, state, tensors, numSame }: CheckpointDiff): void {
  folders.forEach((folder, i) => {
    say(`${i === 0 ? "first " : "second"} ${folder}: step ${steps[i]}`);
  });
  for (const difference of config) say(`config ${showDifference(difference)}`);
  for (const difference of state) say(`state ${showDifference(difference)}`);
  say(`${numSame} tensors are the same to the bit, ${tensors.length} are not`);
  if (tensors.length === 0) return;
  const rows = tensors.map(({ part, name, what, maxAbs, maxRelative }) => {
    return [`${part}/${name}`, what, maxAbs?.toPrecision(3) ?? "", maxRelative?.toPrecision(3) ?? ""];
  });
  say(table([["tensor", "differs in", "largest difference", "relative"], ...rows]));
}
