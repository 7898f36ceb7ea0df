/**
 * `npm run test:chaos [-- --kills N --seed N]`: kills, damage and full disks in full. Each line of the result is a
 * figure of the table in README.md.
 */
import yargs from "yargs";
import { hideBin } from "yargs/helpers";
import { createProgress } from "../../src/report/progress.ts";
import { damageAndLoad } from "./damage.ts";
import { failInTraining, saveOntoFullDisk } from "./fullDisk.ts";
import { killAndCompare } from "./kills.ts";

const { kills, seed } = await yargs(hideBin(process.argv))
  .option("kills", { type: "number", default: 50, describe: "how often the run is killed" })
  .option("seed", { type: "number", default: 1, describe: "decides the moments" })
  .strict()
  .parseAsync();

const progress = createProgress("kill and resume", kills);
const killed = await killAndCompare({ kills, seed, onKill: (done, where) => progress.update(done, where) });
progress.stop();
const kinds = Object.entries(killed.kinds).map(([kind, count]) => `${count} ${kind}`);
console.log(
  `kills: ${killed.kills}, ${killed.insideSaves} inside a save (${kinds.join(", ")}), ${killed.resumes} resumes, ${killed.steps} steps: model, ema, optimizer, all losses and ${killed.pictures} sample pictures as uninterrupted`,
);

const damage = await damageAndLoad(1000, 100, seed);
console.log(
  `damage: ${damage.headerBytes} header bytes, ${damage.dataBytes} data bytes, ${damage.truncations} truncations: all found, the file named, the previous checkpoint used`,
);

const filled = await saveOntoFullDisk();
console.log(
  filled === undefined
    ? "full disk: no small disk can be mounted here"
    : `full disk: a save met it at ${filled} amounts of room: one clear line, the last checkpoint loads`,
);
console.log(
  `failing disk: ${await failInTraining(12)} calls of a save refused in training: exit code 2, one clear line, the last checkpoint loads`,
);
