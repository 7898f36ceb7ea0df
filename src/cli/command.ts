import type { Argv } from "yargs";
import { Interrupted, UserError } from "../base/errors.ts";

/** A command line that does not say what to do: an unknown option, a missing argument. */
export class UsageError extends UserError {}

/** For commands whose result a script would read: the JSON goes to standard output, everything else to standard error. */
export const jsonOption = {
  type: "boolean",
  default: false,
  describe: "print the result as one line of JSON",
} as const;

/** The arguments of commands that take a recipe: `RECIPE [key.path=value ...]`. */
export function recipeArguments<T>(cli: Argv<T>) {
  return cli
    .positional("recipe", { type: "string", demandOption: true, describe: "the recipe, a YAML file" })
    .positional("overrides", {
      type: "string",
      array: true,
      default: [],
      describe: "key.path=value, such as train.steps=100; later ones win",
    });
}

/** Writes one line of result to standard output. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes a value to standard output as one line of JSON. */
export function sayJson(value: unknown): void {
  say(JSON.stringify(value));
}

/**
 * Tells the user of an error on standard error, and gives the exit code: 2 for a mistake in what they gave or a refusal
 * of the system, 130 or 143 after a signal, 1 for a bug of ours. The stack trace shows with `debug` only.
 */
export function reportError(error: unknown, debug: boolean): number {
  if (error instanceof Interrupted) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  const isMistake = error instanceof UserError || isRefusalOfSystem(error);
  const message = error instanceof Error ? error.message : String(error);
  const stack = debug && error instanceof Error ? error.stack : undefined;
  const bug = `internal error: ${message}${debug ? "" : "; run again with --debug for the stack trace"}`;
  process.stderr.write(`${stack ?? (isMistake ? message : bug)}\n`);
  return isMistake ? 2 : 1;
}

/** A file that is not there, a folder that cannot be written, a full disk: `ENOTDIR: not a directory, mkdir '/a/b'`. */
function isRefusalOfSystem(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && "path" in error;
}
