import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Dataset } from "../../src/data/dataset.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { vaeSchema } from "../../src/models/vae/vaeConfig.ts";
import { ensureLatents, latentDir } from "../../src/train/latentCache.ts";
import { latentStatistics } from "../../src/train/latentStatistics.ts";
import { VaeCodec } from "../../src/train/vaeCodec.ts";
import { copyVae, hasVae, loadVae, saveVae } from "../../src/train/vaeFolder.ts";
import { scratchFolder } from "../data/scratch.ts";
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
    const latents = await ensureLatents(dataset, codec, sha(vae), (done) => told.push(done));
    return { latents, told };
  }

  it("are encoded once, and read from then on", async () => {
    const codec = randomCodec(engine, 1);
    const { latents, told } = await ensure(codec, "one");
    assert.deepEqual(
      told,
      [...dataset.entries.keys()].map((index) => index + 1),
    );
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
    assert.equal(two.told.length, dataset.entries.length);
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

  it("are refused before the first is encoded when the VAE cannot take one of the clips", async () => {
    const cfg = vaeSchema.parse({ kind: "causal-conv", levels: [{ down: [4, 16], channels: 4 }] });
    await assert.rejects(
      ensureLatents(dataset, new VaeCodec(engine, cfg, {}), sha("coarse"), () => assert.fail("encoded")),
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
