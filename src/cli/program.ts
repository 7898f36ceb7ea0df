import { readFileSync } from "node:fs";
import yargs, { type Argv } from "yargs";
import { reportError, UsageError } from "./command.ts";

/** A command as the program knows it before its module is imported. */
export interface Command {
  readonly name: string;
  readonly describe: string;
  /** Imports the command's module and adds it to the command line. @param words the arguments after its name. */
  mount(cli: Argv, words: readonly string[]): Promise<Argv>;
}

/** Commands under one name, of which only the chosen one is mounted. */
export function commandGroup(name: string, describe: string, commands: readonly Command[]): Command {
  return {
    name,
    describe,
    mount: async (cli, words) =>
      cli.command({
        command: name,
        describe,
        builder: async (group: Argv) => {
          const mounted = await mountChosen(group, commands, words);
          return mounted.demandCommand(1, `say what to ${name}; see --help`);
        },
        handler: () => {},
      }),
  };
}

/**
 * Runs one command line; only the chosen command is mounted. Results go to standard output, errors and progress to
 * standard error. Gives the exit code: 0 done, 1 a bug of ours, 2 a mistake in what the user gave, 130 or 143 when a
 * signal ended the work. Commands that save on signals may set the exit code of the process instead.
 */
export async function runProgram(args: readonly string[], commands: readonly Command[]): Promise<number> {
  process.stdout.on("error", exitWhenReaderIsGone);
  const words = args.filter((arg) => !arg.startsWith("-"));
  try {
    const cli = await mountChosen(commandLine(args), commands, words);
    await cli.parseAsync();
    return 0;
  } catch (error) {
    return reportError(error, args.includes("--debug"));
  }
}

/** Mounts the command that the first word names; of the others only the names are known. */
async function mountChosen(cli: Argv, commands: readonly Command[], words: readonly string[]): Promise<Argv> {
  const [chosen, ...rest] = words;
  let mounted = cli;
  for (const command of commands) {
    const { name, describe } = command;
    mounted = name === chosen ? await command.mount(mounted, rest) : mounted.command(name, describe);
  }
  return mounted;
}

function commandLine(args: readonly string[]): Argv {
  return yargs([...args])
    .scriptName("kinema")
    .usage("$0 <command>\n\nTrains and samples models of video. `kinema <command> --help` tells more.")
    .parserConfiguration({ "dot-notation": false })
    .locale("en")
    .option("debug", { type: "boolean", default: false, describe: "show stack traces of errors" })
    .version(packageVersion())
    .help()
    .strict()
    .recommendCommands()
    .demandCommand(1, "no command given; see kinema --help")
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .fail((message, error: Error | undefined) => {
      throw error ?? new UsageError("kinema", usageLine(message));
    });
}

/** What yargs says, as one line in our words. */
function usageLine(message: string): string {
  const line = message
    .replace(/\s*\n\s*/g, " ")
    .replace(
      /^Not enough non-option arguments: got (\d+), need at least (\d+)/,
      "got $1 arguments, expected at least $2",
    )
    .replace(/^Unknown/, "unknown");
  return line.includes("--help") || line.endsWith("?") ? line : `${line}; see --help`;
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const isManifest = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isManifest ? String(manifest.version) : "unknown";
}

/** `kinema ... | head` closes our standard output early; that is no error. */
function exitWhenReaderIsGone(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}
