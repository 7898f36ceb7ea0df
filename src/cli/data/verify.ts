import type { CommandModule } from "yargs";
import { UserError } from "../../base/errors.ts";
import { datasetStats } from "../../data/stats.ts";
import { verifyDataset } from "../../data/verify.ts";
import { createProgress } from "../../report/progress.ts";
import { jsonOption, say, sayJson } from "../command.ts";
import { counted } from "./summary.ts";

interface VerifyOptions {
  dir: string;
  json: boolean;
}

/** `kinema data verify`: reads a dataset from end to end and compares every hash. */
export const verifyCommand: CommandModule<object, VerifyOptions> = {
  command: "verify <dir>",
  describe: "Hash a whole dataset again and name what is damaged",
  builder: (cli) =>
    cli
      .positional("dir", { type: "string", demandOption: true, describe: "folder of a dataset" })
      .option("json", jsonOption),
  handler: async ({ dir, json }) => {
    const progress = createProgress("verify", datasetStats(dir).clips);
    const report = await verifyDataset(dir, (done) => progress.update(done)).finally(() => progress.stop());
    if (json) sayJson(report);
    else for (const { file, reason } of report.damaged) say(`damaged ${file}: ${reason}`);
    if (report.damaged.length > 0) {
      throw new UserError(dir, { expected: "a whole dataset", got: counted(report.damaged.length, "damaged file") });
    }
    if (!json) say(`${dir}: ${counted(report.clips, "clip")}, all as they were written`);
  },
};
