import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clip, ClipEntry } from "../../src/data/clip.ts";
import { createDataset, type Dataset, openDataset } from "../../src/data/dataset.ts";
import type { LatentSet } from "../../src/data/latents.ts";
import { verifyDataset } from "../../src/data/verify.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { VaeCodec } from "../../src/models/vae/vaeCodec.ts";
import { vaeSchema } from "../../src/models/vae/vaeConfig.ts";
import { ensureLatents, latentDir } from "../../src/train/latentCache.ts";
import { latentStatistics } from "../../src/train/latentStatistics.ts";
import { copyVae, hasVae, loadVae, saveVae } from "../../src/train/vaeFolder.ts";
import { noiseClip, scratchFolder } from "../data/scratch.ts";
import { randomCodec, smallWorld } from "./loopSetting.ts";

describe("latents of a dataset", () => {
  const folder = scratchFolder();
  let dataset: Dataset;
  let engine: Engine;
  before(async () => {
    dataset = await smallWorld(folder());
    engine = await createOnnxEngine({ threads: 1 });
  });
  after(async () => {
    await engine.dispose();
    await dataset.close();
  });

  const sha = (text: string) => createHash("sha256").update(text).digest("hex");
  async function ensure(codec: VaeCodec, vae: string) {
    const told: number[] = [];
    const { latents, counts } = await ensureLatents(dataset, codec, sha(vae), {
      onProgress: (done) => told.push(done),
    });
    return { latents, counts, told };
  }

  it("are encoded once, and read from then on", async () => {
    const codec = randomCodec(engine, 1);
    const { latents, counts, told } = await ensure(codec, "one");
    assert.deepEqual(told, [...Array(dataset.entries.length + 1).keys()]);
    assert.deepEqual(counts, { encoded: dataset.entries.length, reused: 0, repeated: 0, lost: 0 });
    for (const entry of dataset.entries) {
      const clip = { t: entry.frames, h: entry.height, w: entry.width };
      const kept = latents.entries[entry.index];
      assert.deepEqual([kept?.hash, kept?.caption, kept?.grid], [entry.hash, entry.caption, codec.latentGrid(clip)]);
      assert.deepEqual(
        await latents.read(entry.index),
        (await codec.encode(await dataset.readFrames(entry.index), clip)).slice(),
      );
    }
    await latents.close();

    const broken = randomCodec(engine, 1);
    broken.encode = () => assert.fail("encoded again");
    const again = await ensure(broken, "one");
    assert.deepEqual([again.told, again.latents.fingerprint], [[], latents.fingerprint]);
    await again.latents.close();
  });

  it("are others of another VAE", async () => {
    const one = await ensure(randomCodec(engine, 1), "one");
    const two = await ensure(randomCodec(engine, 2), "two");
    assert.equal(two.counts.encoded, dataset.entries.length);
    assert.notEqual(two.latents.dir, one.latents.dir);
    assert.notEqual(two.latents.fingerprint, one.latents.fingerprint);
    await one.latents.close();
    await two.latents.close();
  });

  it("leave nothing behind when encoding stops half way, and are made whole the next time", async () => {
    const codec = randomCodec(engine, 3);
    const failing = randomCodec(engine, 3);
    let encoded = 0;
    failing.encode = (...clip) => {
      if (++encoded > 10) throw new Error("out of power");
      return codec.encode(...clip);
    };
    const beside = dirname(latentDir(dataset, sha("three")));
    const before = readdirSync(beside);
    await assert.rejects(ensure(failing, "three"), /out of power/);
    assert.deepEqual(readdirSync(beside), before);
    const { latents } = await ensure(codec, "three");
    assert.equal(latents.entries.length, dataset.entries.length);
    await latents.close();
  });

  /** A dataset beside the world, of some of its clips and others. */
  async function grown(name: string, indices: readonly number[], others: readonly Clip[]): Promise<Dataset> {
    const dir = join(folder(), name);
    await createDataset(dir, { made: { command: "test", options: {} }, overwrite: true }, async (out) => {
      for (const index of indices) {
        const { index: _, hash: _hash, ...entry } = dataset.entries[index] as ClipEntry;
        out.add({ ...entry, frames_THWC: await dataset.readFrames(index) });
      }
      for (const clip of others) out.add(clip);
    });
    return openDataset(dir);
  }

  const valuesOf = async (latents: LatentSet) => Promise.all(latents.entries.map(({ index }) => latents.read(index)));

  it("of a dataset that grew are encoded for the new clips alone, and once for copies", async () => {
    const codec = randomCodec(engine, 5);
    const small = await grown("growing", [0, 1, 2, 3], []);
    const before = await ensureLatents(small, codec, sha("five"));
    assert.equal(before.counts.encoded, 4);
    const fresh = noiseClip(5, 16, 16, 77);
    const large = await grown("growing", [3, 0, 1, 2], [fresh, noiseClip(1, 8, 16, 78), { ...fresh, source: "copy" }]);
    const after = await ensureLatents(large, codec, sha("five"));
    assert.deepEqual(after.counts, { encoded: 2, reused: 4, repeated: 1, lost: 0 });
    const alone = await ensureLatents(large, codec, sha("five"), { dir: join(folder(), "from nothing") });
    assert.deepEqual(after.latents.manifest.fingerprint, alone.latents.manifest.fingerprint);
    assert.deepEqual(
      after.latents.entries.map(({ source }) => source),
      large.entries.map(({ source }) => source),
    );
    assert.deepEqual((await valuesOf(after.latents))[6], (await valuesOf(after.latents))[4]);
    assert.deepEqual((await verifyDataset(after.latents.dir)).damaged, []);
    // In a folder of the user's, the grown set takes the place of the smaller.
    const own = { dir: join(folder(), "own") };
    await (await ensureLatents(small, codec, sha("five"), own)).latents.close();
    const replaced = await ensureLatents(large, codec, sha("five"), own);
    assert.equal(replaced.latents.fingerprint, after.latents.fingerprint);
    await assert.rejects(ensureLatents(large, codec, sha("six"), own), /expected a new folder, or latents of the VAE /);
    for (const { latents } of [before, after, alone, replaced]) await latents.close();
    await small.close();
    await large.close();
  });

  it("leave a gap for a damaged clip, name it, and fill it when the clip is mended", async () => {
    const codec = randomCodec(engine, 6);
    const [dir, file] = [join(folder(), "damaged"), join(folder(), "damaged", "shard-00000.arrow")];
    await (await grown("damaged", [...dataset.entries.keys()], [])).close();
    const whole = readFileSync(file);
    const bytes = Uint8Array.from(whole);
    const told: string[] = [];
    const open = () => openDataset(dir, { tell: (line) => told.push(line) });
    const spoilt = await open();
    const at = spoilt.shards.row(7).place.offset + 3;
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(file, bytes);
    const first = await ensureLatents(spoilt, codec, sha("seven"));
    assert.deepEqual(first.counts, { encoded: 23, reused: 0, repeated: 0, lost: 1 });
    assert.equal(told.length, 2);
    assert.match(
      told[1] ?? "",
      /damaged\/shard-00000\.arrow: clip 7 \(shapes .*\) is not what was written.*; it is left out, the 1st of 24 clips$/,
    );
    await assert.rejects(first.latents.read(7), /clip 7 .* was damaged when this dataset was made of it/);
    assert.equal((await ensureLatents(spoilt, codec, sha("seven"))).counts.encoded, 0);
    await spoilt.close();
    writeFileSync(file, whole);
    const mended = await open();
    const second = await ensureLatents(mended, codec, sha("seven"));
    assert.deepEqual(second.counts, { encoded: 1, reused: 23, repeated: 0, lost: 0 });
    assert.deepEqual((await verifyDataset(second.latents.dir)).damaged, []);
    await mended.close();
    const strict = await openDataset(dir, { maxBadShare: 0 });
    writeFileSync(file, bytes);
    await assert.rejects(
      ensureLatents(strict, codec, sha("eight")),
      /^UserError: .*damaged: expected at most 0 % of 24 clips damaged \(data\.maxBadShare\), got 1, the last shard-00000/,
    );
    await strict.close();
    for (const { latents } of [first, second]) await latents.close();
  });

  it("are refused before the first is encoded when the VAE cannot take one of the clips", async () => {
    const cfg = vaeSchema.parse({ kind: "causal-conv", levels: [{ down: [4, 16], channels: 4 }] });
    await assert.rejects(
      ensureLatents(dataset, new VaeCodec(engine, cfg, {}), sha("coarse"), {
        onProgress: () => assert.fail("encoded"),
      }),
      /^UserError: vae for shapes seed 1 clip \d+ of .*world: expected .* multiples of 16, got 5x8x16/,
    );
  });

  it("have the statistics of their own values, held-out clips left out", async () => {
    const codec = randomCodec(engine, 1);
    for (const heldOut of [0, 0.5]) {
      const all: number[][] = [[], [], [], []];
      for (const { index, hash, frames, height, width } of dataset.entries) {
        if (Number.parseInt(hash.slice(0, 8), 16) / 2 ** 32 < heldOut) continue;
        const latent = await codec.encode(await dataset.readFrames(index), { t: frames, h: height, w: width });
        for (const [i, value] of latent.entries()) all[i % 4]?.push(value);
      }
      const mean = all.map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
      const std = all.map((values, c) =>
        Math.sqrt(values.reduce((sum, value) => sum + (value - (mean[c] as number)) ** 2, 0) / values.length),
      );
      const got = await latentStatistics(codec, dataset, heldOut);
      for (const c of [0, 1, 2, 3]) {
        assert.ok(Math.abs((got.mean[c] as number) - (mean[c] as number)) < 1e-6);
        assert.ok(Math.abs((got.std[c] as number) - (std[c] as number)) < 1e-6);
      }
    }
  });

  describe("the folder of a VAE", () => {
    const config = vaeSchema.parse({ kind: "causal-conv", latentChannels: 1, levels: [{ down: [4, 4], channels: 2 }] });
    const vae = {
      config,
      weights: { "a.weight": { shape: [2, 2], dtype: "float32" as const, data: Float32Array.of(1, 2, 3, 4) } },
      statistics: { mean: [0.5], std: [2] },
      heldOut: { psnr: 31.5, clips: 7 },
    };

    it("gives back what was saved, and a copy of it", async () => {
      const dir = join(folder(), "vae");
      assert.equal(await hasVae(dir), false);
      await saveVae(dir, vae);
      const loaded = await loadVae(dir);
      const { sha256, ...rest } = loaded;
      assert.deepEqual(rest, vae);
      assert.equal(
        sha256,
        createHash("sha256")
          .update(readFileSync(join(dir, "model.safetensors")))
          .digest("hex"),
      );
      await copyVae(dir, join(folder(), "run", "vae"));
      assert.deepEqual(await loadVae(join(folder(), "run", "vae")), loaded);
    });

    it("is refused when it is none, or not as it was written", async () => {
      const dir = join(folder(), "no vae");
      mkdirSync(dir);
      await assert.rejects(loadVae(dir), /^UserError: .*no vae: expected a trained VAE/);
      await saveVae(dir, vae);
      const file = join(dir, "vae.json");
      writeFileSync(file, readFileSync(file, "utf8").replace('"psnr"', '"psnrs"'));
      await assert.rejects(loadVae(dir), /^UserError: .*vae\.json heldOut/);
    });
  });
});
