import type { CommandModule } from "yargs";
import { UserError } from "../../base/errors.ts";
import { table } from "../../report/table.ts";
import { type CheckpointContents, readContents } from "../../train/checkpointContents.ts";
import { jsonOption, say, sayJson } from "../command.ts";

interface CheckpointOptions {
  path: string;
  json: boolean;
}

/** Digits of a digest that tell tensors apart at a glance. */
const SHOWN_DIGITS = 16;

/** `kinema inspect checkpoint`: what a checkpoint holds, and whether it is what was written. */
export const inspectCheckpointCommand: CommandModule<object, CheckpointOptions> = {
  command: "checkpoint <path>",
  describe: "Show what a checkpoint holds, and whether it verifies",
  builder: (cli) =>
    cli
      .positional("path", {
        type: "string",
        demandOption: true,
        describe: "folder of a run (its newest) or of a checkpoint",
      })
      .option("json", jsonOption)
      .example("$0 inspect checkpoint experiments/tiny/main", "the newest checkpoint")
      .example("$0 inspect checkpoint experiments/tiny/main --json", "with the whole digests"),
  handler: async ({ path, json }) => {
    const contents = await readContents(path);
    const damaged = contents.files.filter(({ damage }) => damage !== null);
    if (json) sayJson({ ...contents, sound: damaged.length === 0 });
    else show(contents);
    if (damaged.length > 0) {
      const names = damaged.map(({ name }) => name).join(", ");
      throw new UserError(contents.folder, { expected: "a sound checkpoint", got: `damaged ${names}` });
    }
  },
};

function show({ folder, step, metrics, files, tensors }: CheckpointContents): void {
  say(`${folder}: step ${step}`);
  for (const [name, value] of Object.entries(metrics)) say(`  ${name} ${value.toPrecision(4)}, mean up to this step`);
  const rows = files.map(({ name, bytes, damage }) => [name, String(bytes), damage ?? "as it was written"]);
  say(table([["file", "bytes", "state"], ...rows]));
  const listed = tensors.map(({ part, name, shape, dtype, sha256 }) => {
    return [`${part}/${name}`, `${dtype} [${shape.join(", ")}]`, sha256.slice(0, SHOWN_DIGITS)];
  });
  if (listed.length > 0) say(`\n${table([["tensor", "type", "SHA-256"], ...listed])}`);
}
