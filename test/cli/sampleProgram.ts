import { inspectConfigCommand } from "../../src/cli/inspect/config.ts";
import { type Command, commandGroup, runProgram } from "../../src/cli/program.ts";
import { SampleSchema } from "../config/sample.ts";

/** The command line with a sample recipe schema and two commands that fail: one when run, one when mounted. */
const commands: readonly Command[] = [
  commandGroup("inspect", "Show a recipe", [
    { name: "config", describe: "Print", mount: async (cli) => cli.command(inspectConfigCommand(SampleSchema)) },
  ]),
  {
    name: "broken",
    describe: "Fail",
    mount: async (cli) =>
      cli.command("broken", "Fail", {}, () => {
        throw new TypeError("x is not a function");
      }),
  },
  {
    name: "heavy",
    describe: "Must not be imported unless chosen",
    mount: () => {
      throw new Error("mounted");
    },
  },
];

process.exitCode = await runProgram(process.argv.slice(2), commands);
