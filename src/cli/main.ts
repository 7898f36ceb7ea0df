#!/usr/bin/env node
import { hideBin } from "yargs/helpers";
import { type Command, runProgram } from "./program.ts";

/**
 * Every command, in the order of `kinema --help`. Only the module of the chosen one is imported, here and nowhere else
 * by `import()`, so that `--help` is quick and command files import what they need like any other file.
 */
const commands: readonly Command[] = [];

const code = await runProgram(hideBin(process.argv), commands);
if (code !== 0) process.exit(code);
