import { inspectCommand } from "../../src/cli/inspect.ts";
import { type Command, runProgram } from "../../src/cli/program.ts";
import { SampleSchema } from "../config/sample.ts";

/** The command line with a sample recipe schema and two commands that fail: one when run, one when mounted. */
const commands: readonly Command[] = [
  { name: "inspect", describe: "Show a recipe", mount: async (cli) => cli.command(inspectCommand(SampleSchema)) },
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
