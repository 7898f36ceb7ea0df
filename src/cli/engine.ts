import type { CommandModule } from "yargs";
import { listEngines } from "../engine/listEngines.ts";
import { describeAdapter } from "../engine/runtime/adapter.ts";
import { jsonOption, say, sayJson } from "./command.ts";
import { benchCommand } from "./engine/bench.ts";
import { installCommand } from "./engine/install.ts";

/** `kinema engine list`: each engine, its version, and whether it runs here. */
const listCommand: CommandModule<object, { verify: boolean; json: boolean }> = {
  command: "list",
  describe: "List the engines, their versions, and why one cannot run here",
  builder: (cli) =>
    cli
      .option("verify", {
        type: "boolean",
        default: false,
        describe: "compare the hash of every file that was installed",
      })
      .option("json", jsonOption),
  handler: async ({ verify, json }) => {
    const listings = await listEngines({ verify });
    if (json) {
      sayJson(listings);
      return;
    }
    for (const { kind, provider, through, version, folder, reason, adapters = [], adaptersUnknown } of listings) {
      const name = provider === undefined || provider === "cpu" ? kind : `${kind} ${provider}`;
      const place = `${through} ${version}${folder === undefined ? "" : `, ${folder}`}`;
      say(`${name.padEnd(11)} ${reason === undefined ? "yes" : "no "}  ${reason ?? place}`);
      for (const adapter of adapters) say(`${"".padEnd(17)}${describeAdapter(adapter)}`);
      if (adaptersUnknown !== undefined) say(`${"".padEnd(17)}${adaptersUnknown}`);
    }
  },
};

/** `kinema engine WHAT`. */
export const engineCommand: CommandModule = {
  command: "engine",
  describe: "List the engines, measure or install one",
  builder: (cli) =>
    cli
      .command(listCommand)
      .command(benchCommand)
      .command(installCommand)
      .demandCommand(1, "say what to do with engines; see --help"),
  handler: () => {},
};
