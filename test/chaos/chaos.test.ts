import assert from "node:assert/strict";
import { ownProgramCache } from "../cli/smallRuns.ts";
import { damageAndLoad } from "./damage.ts";
import { failInTraining, saveOntoFullDisk } from "./fullDisk.ts";
import { killAndCompare } from "./kills.ts";

/** The short form of `npm run test:chaos`. */
describe("chaos", function () {
  this.timeout(240_000);
  ownProgramCache();

  it("a run killed again and again, mostly inside saves, ends as one that never was", async () => {
    const { kills, insideSaves } = await killAndCompare({ kills: 6, seed: 2 });
    assert.deepEqual([kills, insideSaves], [6, 4]);
  });

  it("damage of a checkpoint is found, the file named, and the previous one used", async () => {
    const { headerBytes } = await damageAndLoad(1000, 100, 1);
    assert.ok(headerBytes > 500);
  });

  it("a full disk leaves the last checkpoint, wherever in a save it is met", async function () {
    const points = await saveOntoFullDisk();
    if (points === undefined) this.skip();
    assert.ok(points > 10, `only ${points} points`);
  });

  it("a failing disk ends training with one clear line and the last checkpoint", async () => {
    assert.ok((await failInTraining(80)) >= 2);
  });
});
