import assert from "node:assert/strict";
import { cpSync, existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { readModelFacts } from "../../src/cli/stages/modelFacts.ts";
import { buildShapes } from "../../src/data/shapes/build.ts";
import { shapesSchema } from "../../src/data/shapes/world.ts";
import { datasetStats } from "../../src/data/stats.ts";
import { readRunLog } from "../../src/train/runLog.ts";
import { kinema, ownProgramCache, SmallRecipes } from "./smallRuns.ts";

/** Recipes on two small worlds of videos, images taken from their first frames. */
describe("kinema train on a mix", function () {
  this.timeout(120_000);
  ownProgramCache();
  let recipes: SmallRecipes;
  let vaeRun: string;
  before(() => {
    recipes = new SmallRecipes();
    vaeRun = recipes.at("experiments", "mixed-vae", "main");
    recipe("vae", "vae.yaml");
    recipe("dit", "dit.yaml");
  });
  after(() => recipes.remove());

  /** Writes a recipe of a stage, with one text in it changed. */
  function recipe(stage: "vae" | "dit", name: string, from: string | RegExp = "", to = ""): string {
    const world = (clips: number, seed: number) =>
      `world: { clips: ${clips}, seed: ${seed}, buckets: [{ frames: 5, height: 16, width: 16 }] }`;
    const common = `data:
  kind: mix
  heldOut: 0.1
  images: { share: 0.4, from: first-frames }
  sources:
    - { kind: shapes, dir: ${recipes.at("many")}, ${world(20, 1)} }
    - { kind: shapes, dir: ${recipes.at("few")}, ${world(6, 2)}, weight: 2 }
engine: { threads: 1 }
train: { steps: 8, logEvery: 4, checkpointEvery: 4 }
`;
    const own = {
      vae: `vae:
  kind: causal-conv
  latentChannels: 4
  levels: [{ down: [4, 4], channels: 8, blocks: 1 }]
batch: { pixels: 4000, pcaClips: 8 }
`,
      dit: `vae: { run: ${vaeRun} }
dit: { kind: dit, width: 12, depth: 1, heads: 2, text: { kind: none } }
packing: { tokens: 24, maxPlans: 3 }
samples: { sampler: { steps: 2 } }
`,
    };
    const text = `kind: ${stage}\nname: mixed-${stage}\n${common}${own[stage]}`;
    const changed = text.replace(from, to);
    assert.ok(from === "" || changed !== text, String(from));
    return recipes.write(name, changed);
  }

  it("makes the datasets, trains both stages, caches latents for each dataset and logs epochs of each source", async () => {
    await recipes.train("vae.yaml", vaeRun);
    const run = recipes.at("run");
    await recipes.train("dit.yaml", run);
    for (const name of ["many", "few"]) assert.equal(readdirSync(recipes.at(`${name}.latents`)).length, 1);
    for (const dir of [vaeRun, run]) {
      const [line, last] = readRunLog(join(dir, "log.jsonl"));
      assert.ok(line !== undefined && last !== undefined);
      const names = ["epoch", "epoch/few", "epoch/few first frames", "epoch/many", "epoch/many first frames"];
      assert.deepEqual(
        Object.keys(last)
          .filter((key) => key.startsWith("epoch"))
          .sort(),
        names,
      );
      for (const name of names) assert.ok(Number(last[name]) > Number(line[name]), name);
      assert.ok(Number(last["epoch/few"]) > Number(last["epoch/many"]), "the heavier source comes more often");
    }
    const facts = await readModelFacts(run);
    assert.deepEqual(
      facts.fingerprints,
      ["many", "few"].map((name) => datasetStats(recipes.at(name)).fingerprint),
    );
    assert.deepEqual(facts.grids, [
      { frames: 1, height: 16, width: 16, count: 26 },
      { frames: 5, height: 16, width: 16, count: 26 },
    ]);
  });

  it("goes on where a dataset has moved, and refuses another in its place, with what changed", async () => {
    const run = recipes.at("run");
    cpSync(recipes.at("few"), recipes.at("elsewhere"), { recursive: true });
    const moved = recipe("dit", "moved.yaml", recipes.at("few"), recipes.at("elsewhere"));
    assert.equal((await kinema("train", moved, "--run-dir", run)).code, 0);

    const other = recipe(
      "dit",
      "other.yaml",
      /kind: shapes, dir: \S+few, world: .* \}, weight/,
      `kind: folder, dir: ${recipes.at("other")}, weight`,
    );
    await buildShapes(
      recipes.at("other"),
      shapesSchema.parse({ clips: 7, seed: 2, buckets: [{ frames: 5, height: 16, width: 16 }] }),
    );
    const was = datasetStats(recipes.at("few")).fingerprint.slice(0, 16);
    const is = datasetStats(recipes.at("other")).fingerprint.slice(0, 16);
    const changes = `dataset FOLDER/other: clips 6 -> 7, dataset FOLDER/other: fingerprint "${was}" -> "${is}"`;
    const told = RegExp(
      `^FOLDER/run: expected the recipe that this run was started with, got another: ${changes}; try `,
    );
    await refuses(told, other, "--run-dir", run);
    assert.equal(existsSync(recipes.at("other.latents")), false, "nothing is encoded in vain");
  });

  it("refuses weights that compare nothing, a dataset twice, a source without clips to train on", async () => {
    const twice = recipe("vae", "twice.yaml", recipes.at("few"), recipes.at("many"));
    await refusesToStart(
      /^data\.sources\.1\.dir: expected each dataset once, got FOLDER\/many, which is data\.sources\.0 too; try a /,
      twice,
    );
    const alone = recipe("vae", "alone.yaml", / {4}- .*many.*\n/, "");
    await refusesToStart(/data\.sources\.0\.weight: has no effect: weights compare the clips of several/, alone);
    const nothing = recipe("vae", "nothing.yaml", "weight: 2", "weight: 0");
    await refusesToStart(/data\.sources\.1\.weight: expected a number > 0, got 0$/m, nothing);
    const unseen = recipe("vae", "unseen.yaml", "heldOut: 0.1", "heldOut: 0.9");
    await refusesToStart(/^data\.sources\.1: expected clips to train on, got none: all 6 of FOLDER\/few are/, unseen);
    const noImages = recipe("vae", "no-images.yaml", "from: first-frames", "from: clips");
    await refusesToStart(/^data\.images: expected images and videos .* try images\.from first-frames$/m, noImages);
    const world = recipe("vae", "world.yaml", "seed: 2", "seed: 3");
    await refusesToStart(/^FOLDER\/few: expected the shapes world of data\.sources\.1\.world, got a dataset/, world);
  });

  async function refusesToStart(message: RegExp, file: string) {
    await refuses(message, file, "--run-dir", recipes.at("refused"));
    assert.equal(existsSync(recipes.at("refused")), false);
  }

  async function refuses(message: RegExp, ...args: readonly string[]) {
    const { code, stdout, stderr } = await kinema("train", ...args);
    const told = stderr.replaceAll(recipes.folder, "FOLDER").replaceAll(relative("", recipes.folder), "FOLDER");
    assert.match(told, message);
    assert.match(told, /^[^\n]+\n$/, "one line");
    assert.deepEqual([code, stdout], [2, ""]);
  }
});
