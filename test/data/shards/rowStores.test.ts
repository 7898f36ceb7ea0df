import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDataset, openDataset } from "../../../src/data/dataset.ts";
import { DamagedRow } from "../../../src/data/shards/damagedRow.ts";
import { RowStores } from "../../../src/data/shards/rowStores.ts";
import { noiseClip, scratchFolder } from "../scratch.ts";

describe("row stores", () => {
  const folder = scratchFolder();

  it("hash a shard once for all readers of one specification, and check each row every time", async () => {
    const dir = join(folder(), "d");
    await createDataset(dir, { made: { command: "test", options: {} } }, (out) => {
      for (let id = 0; id < 2; id++) out.add(noiseClip(5, 8, 8, id));
    });
    const dataset = await openDataset(dir);
    const rows = [0, 1].map((index) => ({ store: 0, ...dataset.shards.row(index) }));
    const shard = join(dir, "shard-00000.arrow");
    const bytes = readFileSync(shard);
    const damagedAt = rows[1]?.place.offset ?? 0;
    bytes[damagedAt] = (bytes[damagedAt] as number) ^ 1;
    writeFileSync(shard, bytes);
    const specs = [dataset.shards.spec];
    const told: string[] = [];
    for (const reader of ["first", "second"]) {
      const stores = RowStores.open(specs, (store, { file }) => told.push(`${reader} ${store} ${file}`));
      const [whole, damaged] = rows;
      assert.ok(whole !== undefined && damaged !== undefined);
      assert.deepEqual(await stores.values(whole), noiseClip(5, 8, 8, 0).frames_THWC);
      await assert.rejects(stores.values(damaged), DamagedRow);
      await stores.close();
    }
    assert.deepEqual(told, ["first 0 shard-00000.arrow"]);
    await dataset.close();
  });
});
