import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runRecipe } from "../../../src/cli/stages/runRecipe.ts";
import { loadRecipe } from "../../../src/config/recipe.ts";
import { createDataset, type Dataset, openDataset } from "../../../src/data/dataset.ts";
import { ClipPool } from "../../../src/data/mix/clipPool.ts";
import { createEngine } from "../../../src/engine/createEngine.ts";
import { engineSchema } from "../../../src/engine/engineConfig.ts";
import { recipeSchema } from "../../../src/registry.ts";
import { differences, showDifference } from "../../../src/train/runIdentity.ts";
import { noiseClip, scratchFolder } from "../../data/scratch.ts";

describe("runRecipe", () => {
  const folder = scratchFolder();

  async function dataset(name: string, clips: number): Promise<Dataset> {
    const dir = join(folder(), name);
    await createDataset(dir, { made: { command: "test", options: {} } }, (out) => {
      for (let id = 0; id < clips; id++) out.add(noiseClip(5, 8, 8, id));
    });
    return openDataset(dir);
  }

  /** What `data` in a recipe and these datasets make of a run. */
  async function runOf(data: string, ...datasets: readonly Dataset[]) {
    const file = join(folder(), "recipe.yaml");
    writeFileSync(file, `kind: vae\nname: x\ndata: ${data}\nvae: { kind: causal-conv, latentChannels: 4 }\n`);
    const engine = await createEngine(engineSchema.parse({ kind: "cpu" }));
    const pool = new ClipPool(datasets, { sources: datasets.map(({ dir }) => ({ name: dir, weight: 1 })) });
    return runRecipe(loadRecipe(file, [], recipeSchema), engine, pool);
  }

  it("tells runs apart by what the data are, and names the dataset that has changed", async () => {
    const [few, copy, more] = [await dataset("few", 3), await dataset("copy", 3), await dataset("more", 4)];
    const single = (dir: string) => `{ kind: folder, dir: ${dir} }`;
    const mix = (...dirs: readonly string[]) => `{ kind: mix, sources: [${dirs.map(single).join(", ")}] }`;
    const told = (before: Awaited<ReturnType<typeof runOf>>, now: Awaited<ReturnType<typeof runOf>>) =>
      differences(before.identity, now.identity, now.mayChange).map((change) => showDifference(change, now.names));
    const prints = [few, more].map(({ fingerprint }) => `"${fingerprint.slice(0, 16)}"`).join(" -> ");
    const changes = [`dataset ${more.dir}: clips 3 -> 4`, `dataset ${more.dir}: fingerprint ${prints}`];

    const one = await runOf(single("few"), few);
    assert.deepEqual(told(one, await runOf(single("elsewhere"), copy)), []);
    assert.deepEqual(told(one, await runOf(single("few"), more)), changes);

    const two = await runOf(mix("few", "more"), few, more);
    assert.deepEqual(told(two, await runOf(mix("copy", "more"), copy, more)), []);
    assert.deepEqual(told(two, await runOf(mix("more", "x"), more, more)), changes);
    assert.equal(told(two, await runOf(mix("few"), few)).length > 0, true);
    for (const open of [few, copy, more]) await open.close();
  });
});
