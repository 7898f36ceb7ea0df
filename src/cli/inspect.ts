import type { CommandModule } from "yargs";
import type { z } from "zod";
import { inspectCheckpointCommand } from "./inspect/checkpoint.ts";
import { inspectConfigCommand } from "./inspect/config.ts";
import { inspectDiffCommand } from "./inspect/diff.ts";
import { inspectGraphCommand } from "./inspect/graph.ts";
import { inspectPlanCommand } from "./inspect/plan.ts";

/** `kinema inspect WHAT`. */
export function inspectCommand(schema: z.ZodType<object>): CommandModule {
  return {
    command: "inspect",
    describe: "Show what a recipe resolves to, how its clips are packed, what it compiles; what checkpoints hold",
    builder: (cli) =>
      cli
        .command(inspectConfigCommand(schema))
        .command(inspectPlanCommand)
        .command(inspectGraphCommand)
        .command(inspectCheckpointCommand)
        .command(inspectDiffCommand)
        .demandCommand(1, "say what to inspect; see --help"),
    handler: () => {},
  };
}
