import type { CommandModule } from "yargs";
import { datasetStats } from "../../data/stats.ts";
import { jsonOption, say, sayJson } from "../command.ts";
import { counted } from "./summary.ts";

interface StatsOptions {
  dir: string;
  json: boolean;
}

/** `kinema data stats`: what a dataset holds, from its manifest. */
export const statsCommand: CommandModule<object, StatsOptions> = {
  command: "stats <dir>",
  describe: "Count a dataset's clips, frames and sizes",
  builder: (cli) =>
    cli
      .positional("dir", { type: "string", demandOption: true, describe: "folder of a dataset" })
      .option("json", jsonOption),
  handler: ({ dir, json }) => {
    const stats = datasetStats(dir);
    if (json) {
      sayJson(stats);
      return;
    }
    const mebibytes = (stats.bytes / 2 ** 20).toFixed(1);
    say(
      `${stats.kind} of ${counted(stats.clips, "clip")}, ${counted(stats.frames, "frame")}, ${counted(stats.shards, "shard")}, ${mebibytes} MiB`,
    );
    const { dataset, vae } = stats.made.options;
    if (stats.kind === "latents")
      say(`of dataset ${String(dataset).slice(0, 16)}, made with VAE ${String(vae).slice(0, 16)}`);
    say("frames x height x width of the clips, in pixels");
    for (const { frames, height, width, count } of stats.grids) {
      say(`  ${`${frames}x${height}x${width}`.padEnd(14)} ${counted(count, "clip")}`);
    }
    for (const { file, reason } of stats.skipped) say(`left out ${file}: ${reason}`);
    say(`fingerprint ${stats.fingerprint}`);
  },
};
