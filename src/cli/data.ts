import type { CommandModule } from "yargs";
import { benchCommand } from "./data/bench.ts";
import { encodeCommand } from "./data/encode.ts";
import { ingestCommand } from "./data/ingest.ts";
import { shapesCommand } from "./data/shapes.ts";
import { statsCommand } from "./data/stats.ts";
import { verifyCommand } from "./data/verify.ts";

/** `kinema data WHAT`. */
export const dataCommand: CommandModule = {
  command: "data",
  describe: "Make datasets, and look at them",
  builder: (cli) =>
    cli
      .command(shapesCommand)
      .command(ingestCommand)
      .command(encodeCommand)
      .command(statsCommand)
      .command(verifyCommand)
      .command(benchCommand)
      .demandCommand(1, "say what to do with data; see --help"),
  handler: () => {},
};
