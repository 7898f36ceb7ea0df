import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import { UserError } from "../../src/base/errors.ts";
import { KeyedRandom } from "../../src/base/random.ts";
import { clipBytes, clipHash } from "../../src/data/clip.ts";
import { createDataset, openDataset } from "../../src/data/dataset.ts";
import { createLatents, openLatents } from "../../src/data/latents.ts";
import { readManifest as datasetManifest } from "../../src/data/manifest.ts";
import { DamagedRow } from "../../src/data/shards/damagedRow.ts";
import { RowStores } from "../../src/data/shards/rowStores.ts";
import { datasetStats } from "../../src/data/stats.ts";
import type { StoreOptions } from "../../src/data/storeWriter.ts";
import { verifyDataset } from "../../src/data/verify.ts";
import { noiseClip, scratchFolder } from "./scratch.ts";

const made: StoreOptions = { made: { command: "test", options: { seed: 7 } } };
const clips = Array.from({ length: 40 }, (_, i) => noiseClip(1 + 4 * (i % 3), 8, 8 + 8 * (i % 2), i));

describe("dataset", () => {
  const scratch = scratchFolder();
  let count = 0;

  /** A dataset of the clips above in several shards of several batches. */
  async function build(options: Partial<StoreOptions> = {}): Promise<string> {
    count += 1;
    const dir = join(scratch(), `set-${count}`);
    const limits = { batchBytes: 4000, shardBytes: 12000 };
    await createDataset(dir, { ...made, limits, ...options }, (out) => {
      for (const clip of clips) out.add(clip);
      out.skip("broken.mp4", "cannot be opened");
    });
    return dir;
  }

  it("gives back every clip in any order", async () => {
    const dataset = await openDataset(await build());
    assert.equal(dataset.entries.length, clips.length);
    assert.ok(dataset.manifest.shards.length > 2);
    for (let i = 0; i < clips.length; i++) {
      const index = (i * 17) % clips.length;
      const { frames_THWC, ...entry } = clips[index] as (typeof clips)[number];
      assert.deepEqual(await dataset.readFrames(index), frames_THWC);
      const { frames, height, width, fps, caption, source, hash } = dataset.entries[index] ?? assert.fail();
      assert.deepEqual({ frames, height, width, fps, caption, source }, entry);
      assert.equal(hash, clipHash({ ...entry, frames_THWC }));
    }
    await dataset.close();
  });

  it("answers concurrent reads", async () => {
    const dataset = await openDataset(await build());
    const read = await Promise.all(clips.map((_, i) => dataset.readFrames(i)));
    read.forEach((frames_THWC, i) => {
      assert.deepEqual(frames_THWC, clips[i]?.frames_THWC);
    });
    await dataset.close();
  });

  it("writes Arrow files that apache-arrow's own reader takes whole", async () => {
    const dir = await build();
    const table = tableFromIPC(readFileSync(join(dir, "shard-00000.arrow")));
    assert.ok(table.batches.length > 1);
    assert.equal(table.get(0)?.caption, clips[0]?.caption);
    assert.deepEqual(Uint8Array.from(table.get(0)?.values), clips[0]?.frames_THWC);
  });

  it("counts and names in its statistics", async () => {
    const dir = await build();
    const stats = datasetStats(dir);
    assert.deepEqual(Object.keys(stats), [
      "kind",
      "clips",
      "frames",
      "shards",
      "bytes",
      "grids",
      "skipped",
      "fingerprint",
      "made",
    ]);
    assert.equal(stats.clips, 40);
    assert.equal(stats.frames, 14 * 1 + 13 * 5 + 13 * 9);
    assert.equal(stats.grids.length, 6);
    assert.equal(
      stats.grids.reduce((sum, grid) => sum + grid.count, 0),
      40,
    );
    assert.deepEqual(stats.skipped, [{ file: "broken.mp4", reason: "cannot be opened" }]);
    const arrowBytes = readdirSync(dir).filter((file) => file.endsWith(".arrow"));
    assert.equal(
      stats.bytes,
      arrowBytes.reduce((sum, file) => sum + readFileSync(join(dir, file)).length, 0),
    );
  });

  it("has a fingerprint of its content, not of its place or its shards", async () => {
    const once = datasetStats(await build()).fingerprint;
    assert.equal(datasetStats(await build({ limits: {}, made: { command: "other", options: {} } })).fingerprint, once);
    const dir = join(scratch(), "fewer");
    const fewer = await createDataset(dir, made, (out) => {
      for (const clip of clips.slice(1)) out.add(clip);
    });
    assert.notEqual(fewer.fingerprint, once);
  });

  it("hashes pixels, shape, fps and caption, but not the source", () => {
    const clip = noiseClip(1, 8, 16);
    const changed = Uint8Array.from(clip.frames_THWC);
    changed[0] = (changed[0] as number) ^ 1;
    const others = [
      { ...clip, frames_THWC: changed },
      { ...clip, height: 16, width: 8 },
      { ...clip, fps: 9 },
      { ...clip, caption: "other" },
    ];
    assert.equal(new Set([clip, ...others].map(clipHash)).size, 5);
    assert.equal(clipHash({ ...clip, source: "elsewhere" }), clipHash(clip));
  });

  it("leaves nothing behind when building fails", async () => {
    const dir = join(scratch(), "failed");
    await assert.rejects(
      createDataset(dir, made, (out) => {
        out.add(noiseClip(1, 8, 8));
        throw new Error("stopped");
      }),
      /stopped/,
    );
    assert.deepEqual(
      readdirSync(scratch()).filter((name) => name.includes("failed")),
      [],
    );
  });

  it("replaces a dataset only when told to, and other folders never", async () => {
    const dir = await build();
    await assert.rejects(
      createDataset(dir, made, () => assert.fail("must not start")),
      /expected a new folder, got a dataset; try another name, or --overwrite/,
    );
    const manifest = await createDataset(dir, { ...made, overwrite: true }, (out) => out.add(noiseClip(1, 8, 8)));
    assert.equal(manifest.clips, 1);
    assert.equal(datasetStats(dir).clips, 1);
    const photos = join(scratch(), "photos");
    mkdirSync(photos);
    writeFileSync(join(photos, "holiday.jpg"), "");
    await assert.rejects(
      createDataset(photos, { ...made, overwrite: true }, () => assert.fail("must not start")),
      UserError,
    );
    assert.ok(existsSync(join(photos, "holiday.jpg")));
  });

  it("keeps the old dataset when building its successor fails", async () => {
    const dir = await build();
    await assert.rejects(
      createDataset(dir, { ...made, overwrite: true }, () => {
        throw new Error("stopped");
      }),
    );
    assert.deepEqual((await verifyDataset(dir)).damaged, []);
  });

  it("reads a row by its place alone, into shared memory too", async () => {
    const dataset = await openDataset(await build());
    const row = dataset.shards.row(7);
    const stores = RowStores.open([dataset.shards.spec]);
    const memory = new Uint8Array(new SharedArrayBuffer(2 * clipBytes(row.entry)), 0, clipBytes(row.entry));
    await stores.readInto({ store: 0, ...row }, memory);
    assert.deepEqual(Uint8Array.from(memory), clips[7]?.frames_THWC);
    await stores.close();
    await dataset.close();
  });

  it("names a damaged shard once, at first touch, and gives out each clip that is whole", async () => {
    const dir = await build();
    const file = join(dir, "shard-00001.arrow");
    const bytes = readFileSync(file);
    const places = (await openDataset(dir)).shards;
    const { shards } = datasetManifest(dir);
    const first = shards[0]?.clips ?? 0;
    const inPixels = places.row(first + 1).place.offset + 5;
    for (const at of [3, inPixels, bytes.length - 20]) {
      const flipped = Uint8Array.from(bytes);
      flipped[at] = (flipped[at] as number) ^ 4;
      writeFileSync(file, flipped);
      const told: string[] = [];
      const dataset = await openDataset(dir, { tell: (line) => told.push(line) });
      assert.deepEqual(await dataset.readFrames(first - 1), clips[first - 1]?.frames_THWC);
      assert.deepEqual(told, []);
      const lost: number[] = [];
      for (const { index } of dataset.entries) {
        const frames = await dataset.readFrames(index).catch((error: unknown) => {
          assert.ok(error instanceof DamagedRow);
          assert.match(
            error.message,
            /^shard-00001\.arrow: clip \d+ \(noise \d+\) is not what was written: its checksum/,
          );
          lost.push(error.entry.index);
        });
        if (frames !== undefined) assert.deepEqual(frames, clips[index]?.frames_THWC);
      }
      assert.deepEqual(lost, at === inPixels ? [first + 1] : []);
      assert.equal(told.length, 1);
      assert.match(
        told[0] ?? "",
        /\/shard-00001\.arrow: expected sha256 .*: damaged or swapped; its clips are used where/,
      );
      await dataset.close();
      const { damaged, damagedClips } = await verifyDataset(dir);
      assert.deepEqual(
        damaged.map((shard) => shard.file),
        Array(1 + lost.length).fill("shard-00001.arrow"),
      );
      assert.equal(damagedClips, lost.length);
    }
  });

  it("refuses shards that are missing, cut short or links before anything is read, and verify names them all", async () => {
    const dir = await build();
    renameSync(join(dir, "shard-00000.arrow"), join(dir, "elsewhere"));
    await assert.rejects(openDataset(dir), /shard-00000\.arrow: expected a file that the manifest names, got none/);
    writeFileSync(join(dir, "shard-00002.arrow"), readFileSync(join(dir, "shard-00002.arrow")).subarray(0, 500));
    const { damaged, damagedClips } = await verifyDataset(dir);
    const { shards } = datasetManifest(dir);
    assert.equal(damagedClips, (shards[0]?.clips ?? 0) + (shards[2]?.clips ?? 0));
    assert.deepEqual(damaged[0], { file: "shard-00000.arrow", reason: "is missing, or a link" });
    assert.match(damaged[1]?.reason ?? "", /^expected \d+ bytes, got 500: cut short or swapped$/);
    assert.deepEqual([...new Set(damaged.slice(1).map(({ file }) => file))], ["shard-00002.arrow"]);
    symlinkSync(join(dir, "elsewhere"), join(dir, "shard-00000.arrow"));
    await assert.rejects(openDataset(dir), /shard-00000\.arrow: expected a plain file, got a link or a folder/);
    renameSync(join(dir, "elsewhere"), join(dir, "shard-00000.arrow"));
    await assert.rejects(openDataset(dir), /shard-00002\.arrow: expected \d+ bytes, got 500: cut short or swapped/);
  });

  it("gives out nothing of shards of one size that changed places", async () => {
    const dir = join(scratch(), "swapped");
    await createDataset(dir, { ...made, limits: { batchBytes: 400, shardBytes: 400 } }, (out) => {
      for (let i = 0; i < 6; i++) out.add(noiseClip(1, 8, 16, i));
    });
    const files = [0, 1].map((i) => join(dir, `shard-0000${i}.arrow`));
    const [one, other] = files.map((file) => readFileSync(file));
    assert.equal(one?.length, other?.length);
    writeFileSync(files[0] as string, other as Uint8Array);
    writeFileSync(files[1] as string, one as Uint8Array);
    const told: string[] = [];
    const dataset = await openDataset(dir, { tell: (line) => told.push(line) });
    const inFirst = dataset.manifest.shards[0]?.clips ?? 0;
    for (const index of [0, inFirst]) await assert.rejects(dataset.readFrames(index), /its checksum differs/);
    await dataset.readFrames(5);
    assert.deepEqual(
      told.map((line) => /shard-\d+\.arrow: expected sha256/.exec(line)?.[0]),
      ["shard-00000.arrow: expected sha256", "shard-00001.arrow: expected sha256"],
    );
    await dataset.close();
  });

  it("keeps few files open, however many shards there are", async function () {
    if (process.platform !== "linux") this.skip();
    const dir = join(scratch(), "many");
    await createDataset(dir, { ...made, limits: { batchBytes: 1, shardBytes: 1 } }, (out) => {
      for (let i = 0; i < 150; i++) out.add(noiseClip(1, 2, 2, i));
    });
    const numOpen = () => readdirSync("/proc/self/fd").length;
    const before = numOpen();
    const dataset = await openDataset(dir);
    assert.equal(dataset.manifest.shards.length, 150);
    await Promise.all(dataset.entries.map(({ index }) => dataset.readFrames(index)));
    assert.ok(numOpen() <= before + 70, `${numOpen() - before} more files are open`);
    assert.deepEqual(await dataset.readFrames(0), noiseClip(1, 2, 2, 0).frames_THWC);
    await dataset.close();
    assert.ok(numOpen() <= before + 2);
  });

  it("takes no index that lists what cannot be", async () => {
    const dir = await build();
    const [file, manifestFile] = [join(dir, "index.arrow"), join(dir, "manifest.json")];
    const [whole, text] = [readFileSync(file), readFileSync(manifestFile, "utf8")];
    writeFileSync(file, whole.subarray(0, whole.length - 1));
    await assert.rejects(openDataset(dir), /index\.arrow: expected \d+ bytes, got \d+/);
    const random = new KeyedRandom(11, "test.index");
    let refused = 0;
    for (let trial = 0; trial < 300; trial++) {
      const bytes = Uint8Array.from(whole);
      const numFlips = 1 + random.int(3);
      // Half of the trials aim at the metadata: the footer at the end, and the message at the start.
      const at = () =>
        trial % 2 === 0 ? random.int(bytes.length) : random.int(2) * (bytes.length - 1500) + random.int(1500);
      for (let flip = 0; flip < numFlips; flip++) bytes[at()] = random.int(256);
      writeFileSync(file, bytes);
      const manifest = JSON.parse(text);
      manifest.index.sha256 = createHash("sha256").update(bytes).digest("hex");
      writeFileSync(manifestFile, JSON.stringify(manifest));
      try {
        const dataset = await openDataset(dir);
        for (const { index } of dataset.entries) {
          const frames = await dataset
            .readFrames(index)
            .catch((error: unknown) => assert.ok(error instanceof DamagedRow));
          if (frames instanceof Uint8Array) assert.equal(frames.length, clips[index]?.frames_THWC.length);
        }
        await dataset.close();
      } catch (error) {
        assert.ok(error instanceof UserError, `trial ${trial}: ${error}`);
        refused += 1;
      }
    }
    assert.ok(refused > 50, `${refused} of 300 refused`);
  });

  it("finds content that is not what its hash says, though every file hash is right", async () => {
    const dir = await build();
    const file = join(dir, "shard-00000.arrow");
    const bytes = readFileSync(file);
    const at = bytes.indexOf((clips[0] as (typeof clips)[number]).frames_THWC);
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(file, bytes);
    const manifestFile = join(dir, "manifest.json");
    const manifest = JSON.parse(readFileSync(manifestFile, "utf8"));
    manifest.shards[0].sha256 = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(manifestFile, JSON.stringify(manifest));
    const { damaged } = await verifyDataset(dir);
    assert.deepEqual(damaged, [
      { file: "shard-00000.arrow", reason: "clip 0 (noise 0) is not what was written: its checksum differs" },
    ]);
  });

  it("refuses manifests that point out of the folder", async () => {
    const dir = await build();
    const manifestFile = join(dir, "manifest.json");
    const text = readFileSync(manifestFile, "utf8");
    for (const path of ["../shard-00000.arrow", "/etc/passwd", "a/../../b", "..", "C:\\a", "sub/shard.arrow", ""]) {
      writeFileSync(manifestFile, text.replace('"shard-00000.arrow"', JSON.stringify(path)));
      await assert.rejects(openDataset(dir), /manifest\.json shards\.0\.file: a plain file name/, path);
    }
    writeFileSync(manifestFile, text.replace('"shard-00001.arrow"', '"shard-00000.arrow"'));
    await assert.rejects(openDataset(dir), /each file once/);
    writeFileSync(manifestFile, text.replace('"version": 2', '"version": 3'));
    await assert.rejects(openDataset(dir), UserError);
    writeFileSync(manifestFile, text.replace('"version": 2', '"version": 1'));
    await assert.rejects(openDataset(dir), /expected a dataset of this version, got one of an earlier; try building/);
    writeFileSync(manifestFile, "{");
    await assert.rejects(openDataset(dir), UserError);
  });

  it("says in one line what a missing dataset or one of the other kind is", async () => {
    await assert.rejects(openDataset(join(scratch(), "nowhere")), /expected a dataset .* got none; try `kinema data/);
    await assert.rejects(openLatents(await build()), /expected a dataset of latents, got pixels/);
  });

  it("stores latents by the hash of their clip, with exact floats", async () => {
    const dir = join(scratch(), "latents");
    const source = await openDataset(await build());
    const values = clips.map((_, i) => Float32Array.from({ length: 2 * 3 * 1 * 5 }, (_v, j) => Math.sin(i + j / 7)));
    const grid = { t: 2, h: 3, w: 1 };
    await createLatents(dir, { ...made, limits: { batchBytes: 500, shardBytes: 2000 } }, (out) => {
      for (const entry of source.entries) out.add(entry, grid, 5, values[entry.index] as Float32Array);
    });
    const latents = await openLatents(dir);
    for (const { hash, index, caption, frames } of source.entries) {
      const place = latents.indexOf(hash);
      assert.equal(place, index);
      assert.deepEqual(await latents.read(index), values[index]);
      const entry = latents.entries[index];
      assert.deepEqual([entry?.grid, entry?.channels, entry?.caption, entry?.frames], [grid, 5, caption, frames]);
    }
    assert.equal(latents.indexOf("0".repeat(64)), undefined);
    assert.deepEqual((await verifyDataset(dir)).damaged, []);
    await latents.close();
    await source.close();
  });
});
