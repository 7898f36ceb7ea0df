#!/usr/bin/env node
import { hideBin } from "yargs/helpers";
import { type Command, runProgram } from "./program.ts";

/**
 * Every command, in the order of `kinema --help`. Only the module of the chosen one is imported, here and nowhere else
 * by `import()`, so that `--help` is quick and command files import what they need like any other file.
 */
const commands: readonly Command[] = [
  {
    name: "engine",
    describe: "Tell which engines run here, and measure them",
    mount: async (cli) => cli.command((await import("./engine.ts")).engineCommand),
  },
];

const code = await runProgram(hideBin(process.argv), commands);
if (code !== 0) process.exit(code);
