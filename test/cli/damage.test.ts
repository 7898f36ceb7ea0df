import assert from "node:assert/strict";
import {
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createDataset, openDataset } from "../../src/data/dataset.ts";
import { openLatents } from "../../src/data/latents.ts";
import { readRunLog } from "../../src/train/runLog.ts";
import { noiseClip } from "../data/scratch.ts";
import { kinema, ownProgramCache, SmallRecipes } from "./smallRuns.ts";

const SHARD = "shard-00000.arrow";
const NUM_CLIPS = 30;

/** What training does with damaged data, through the command itself. */
describe("kinema train on damaged data", function () {
  this.timeout(180_000);
  ownProgramCache();
  let recipes: SmallRecipes;
  let clips = "";
  let vae = "";
  before(async () => {
    recipes = new SmallRecipes();
    clips = recipes.at("clips");
    await build(clips, 0);
    vae = recipes.write(
      "clips-vae.yaml",
      `kind: vae
name: clips-vae
data: { kind: folder, dir: ${clips}, heldOut: 0 }
engine: { threads: 1 }
train: { steps: 12, logEvery: 1 }
vae: { kind: causal-conv, latentChannels: 2, levels: [{ down: [4, 4], channels: 4, blocks: 1 }] }
batch: { pixels: 4000, pcaClips: 8 }
`,
    );
  });
  after(() => recipes.remove());

  /** Clips in several shards of one size; those of other \`first\` numbers have other pixels and the same size. */
  async function build(dir: string, first: number): Promise<void> {
    const options = { made: { command: "test", options: {} }, limits: { batchBytes: 4000, shardBytes: 4000 } };
    await createDataset(dir, options, (out) => {
      for (let i = 0; i < NUM_CLIPS; i++) out.add(noiseClip(5, 8, 8, 100 + first + i));
    });
  }

  /** A copy of the dataset, spoilt, and what training on it says. */
  async function trainOn(name: string, spoil: (dir: string) => void | Promise<void>, ...overrides: string[]) {
    const dir = recipes.at(name);
    cpSync(clips, dir, { recursive: true });
    await spoil(dir);
    const run = recipes.at(`${name}-run`);
    const outcome = await kinema("train", vae, `data.dir=${dir}`, ...overrides, "--run-dir", run);
    const lines = outcome.stderr.split("\n").filter((line) => line.startsWith(dir));
    return { ...outcome, lines, dir, run };
  }

  async function flip(dir: string, indices: readonly number[]): Promise<void> {
    const dataset = await openDataset(dir);
    for (const index of indices) {
      const { shard, offset } = dataset.shards.row(index).place;
      const file = join(dir, dataset.manifest.shards[shard]?.file ?? "");
      const bytes = readFileSync(file);
      bytes[offset] = (bytes[offset] as number) ^ 1;
      writeFileSync(file, bytes);
    }
    await dataset.close();
  }

  it("goes on without a damaged clip, and names it and its shard once", async () => {
    const { code, stderr, lines, dir, run } = await trainOn("one", (dir) => flip(dir, [1]));
    assert.equal(code, 0, stderr);
    assert.equal(lines.length, 2, stderr);
    assert.match(
      lines[0] ?? "",
      RegExp(`^${dir}/${SHARD}: expected sha256 .*: damaged or swapped; its clips are used where`),
    );
    assert.match(
      lines[1] ?? "",
      RegExp(`^${dir}/${SHARD}: clip 1 \\(noise 101\\) .*; it is left out, the 1st of 30 clips$`),
    );
    assert.equal(readRunLog(join(run, "log.jsonl")).length, 12);
  });

  it("stops with one line when more are damaged than data.maxBadShare allows", async () => {
    const indices = [1, 4, 9, 16, 25];
    const strict = await trainOn("many", (dir) => flip(dir, indices));
    assert.equal(strict.code, 2);
    const last = strict.stderr.trimEnd().split("\n").at(-1) ?? "";
    assert.match(
      last,
      RegExp(
        `^${strict.dir}: expected at most 5 % of 30 clips damaged \\(data\\.maxBadShare\\), got 2, the last shard-`,
      ),
    );
    const lenient = await trainOn("many-allowed", (dir) => flip(dir, indices), "data.maxBadShare=0.2");
    assert.equal(lenient.code, 0, lenient.stderr);
    assert.equal(lenient.lines.filter((line) => line.includes("left out")).length, indices.length);
  });

  it("refuses a shard that is missing or cut short before the first step", async () => {
    const missing = await trainOn("missing", (dir) => rmSync(join(dir, "shard-00001.arrow")));
    assert.equal(missing.code, 2);
    assert.match(
      missing.stderr,
      /missing\/shard-00001\.arrow: expected a file that the manifest names, got none; try .*\n$/,
    );
    const cut = await trainOn("cut", (dir) => truncateSync(join(dir, "shard-00001.arrow"), 900));
    assert.equal(cut.code, 2);
    assert.match(cut.stderr, /cut\/shard-00001\.arrow: expected \d+ bytes, got 900: cut short or swapped; try .*\n$/);
    for (const { stderr, run } of [missing, cut]) {
      assert.equal(stderr.trimEnd().split("\n").length, 1);
      assert.throws(() => readdirSync(run));
    }
  });

  it("uses nothing of a shard that was swapped with another of its size", async () => {
    const other = recipes.at("other");
    await build(other, 300);
    const { code, stderr, dir } = await trainOn("swapped", (dir) => copyFileSync(join(other, SHARD), join(dir, SHARD)));
    assert.equal(code, 2);
    assert.match(stderr, RegExp(`${dir}/${SHARD}: expected sha256 `));
    assert.match(stderr, RegExp(`\n${dir}: expected at most 5 % of 30 clips damaged .*\n$`));
    const places = await trainOn("places", (dir) => {
      renameSync(join(dir, SHARD), join(dir, "kept"));
      renameSync(join(dir, "shard-00001.arrow"), join(dir, SHARD));
      renameSync(join(dir, "kept"), join(dir, "shard-00001.arrow"));
    });
    assert.equal(places.code, 2);
    assert.match(places.stderr, /shard-0000[01]\.arrow: expected (sha256|\d+ bytes)/);
  });

  it("refuses to go on with a dataset that has changed, and names it", async () => {
    const { code, stderr, dir, run } = await trainOn("changing", () => undefined, "train.steps=3");
    assert.equal(code, 0, stderr);
    rmSync(dir, { recursive: true });
    await build(dir, 7);
    const again = await kinema("train", vae, `data.dir=${dir}`, "train.steps=3", "--run-dir", run);
    assert.equal(again.code, 2);
    assert.match(again.stderr, RegExp(`^${run}: expected the recipe that this run was started with, .*dataset ${dir}`));
  });

  it("takes latents alone as data, and goes on without damaged ones", async () => {
    await recipes.train("vae.yaml", recipes.vaeRun);
    await recipes.train("dit.yaml", recipes.ditRun);
    const [set] = readdirSync(`${recipes.at("data")}.latents`);
    const dir = join(`${recipes.at("data")}.latents`, set as string);
    const latents = await openLatents(dir);
    const bytes = readFileSync(join(dir, SHARD));
    // A clip of the most frequent size, so that another can take its place.
    const [grid] = latents.manifest.grids;
    const spoilt = latents.entries.find(({ frames, height, width }) => {
      return frames === grid?.frames && height === grid.height && width === grid.width;
    });
    const at = latents.shards.row(spoilt?.index ?? 0).place.offset;
    await latents.close();
    await trainsFromLatentsAlone(dir);
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(join(dir, SHARD), bytes);
    const overrides = ["train.steps=60", "data.heldOut=0"];
    const { code, stderr } = await kinema("train", recipes.at("dit.yaml"), ...overrides, "--run-dir", recipes.at("on"));
    assert.equal(code, 0, stderr);
    const lines = stderr.split("\n").filter((line) => line.includes(SHARD));
    assert.equal(lines.length, 2, stderr);
    assert.match(lines[1] ?? "", RegExp(`${SHARD}: clip ${spoilt?.index} .*left out, the 1st of 24 clips`));
  });

  /** Latents copied elsewhere are data of their own; the run stays the run of their clips. */
  async function trainsFromLatentsAlone(latents: string): Promise<void> {
    const [copy, run] = [recipes.at("latents-alone"), recipes.at("alone")];
    cpSync(latents, copy, { recursive: true });
    const data = `data={ kind: folder, dir: ${copy}, heldOut: 0.2 }`;
    const { code, stderr } = await kinema("train", recipes.at("dit.yaml"), data, "--run-dir", run);
    assert.equal(code, 0, stderr);
    const [expected, got] = [recipes.ditRun, run].map((dir) =>
      readRunLog(join(dir, "log.jsonl")).map(({ step, loss, gradNorm }) => ({ step, loss, gradNorm })),
    );
    assert.deepEqual(got, expected);
    const again = await kinema("train", recipes.at("dit.yaml"), "--run-dir", run);
    assert.equal(again.code, 0, again.stderr);
    const ofClips = await kinema("train", recipes.at("vae.yaml"), data, "--run-dir", recipes.at("no-vae"));
    assert.equal(ofClips.code, 2);
    assert.match(
      ofClips.stderr,
      /latents-alone: expected clips, got their latents; try the dataset that they were made of\n$/,
    );
  }
});
