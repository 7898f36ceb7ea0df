import assert from "node:assert/strict";
import { join } from "node:path";
import { createDataset, type Dataset, openDataset } from "../../../src/data/dataset.ts";
import { isHeldOut } from "../../../src/data/heldOut.ts";
import { PackLoader } from "../../../src/data/loader/packLoader.ts";
import { ClipPool, poolOf } from "../../../src/data/mix/clipPool.ts";
import { epochsByName } from "../../../src/data/mix/epochsByName.ts";
import type { ImagesConfig, Mix } from "../../../src/data/mix/mix.ts";
import { trainingClips } from "../../../src/data/mix/trainingClips.ts";
import { noiseClip, scratchFolder } from "../scratch.ts";

/** Clips of the first dataset: 12 videos and 4 images; of the second: 6 videos; of the third: 2 images. */
const CONTENTS: readonly (readonly [number, number, number][])[] = [
  [...Array.from({ length: 12 }, () => [5, 8, 8] as [number, number, number]), ...images(4)],
  Array.from({ length: 6 }, (_, i) => [i < 3 ? 5 : 9, 8, 8] as [number, number, number]),
  images(2),
];

function images(count: number): [number, number, number][] {
  return Array.from({ length: count }, () => [1, 8, 8]);
}

describe("ClipPool", () => {
  const folder = scratchFolder();
  const datasets: Dataset[] = [];
  before(async () => {
    for (const [number, shapes] of CONTENTS.entries()) {
      const dir = join(folder(), `set-${number}`);
      await createDataset(dir, { made: { command: "test", options: {} } }, (out) => {
        for (const [i, shape] of shapes.entries()) out.add(noiseClip(...shape, 100 * number + i));
      });
      datasets.push(await openDataset(dir));
    }
  });
  after(async () => {
    for (const dataset of datasets) await dataset.close();
  });

  function pool(weights: readonly number[], images?: ImagesConfig): ClipPool<Dataset> {
    const mix: Mix = { sources: weights.map((weight, i) => ({ name: `set-${i}`, weight })), images };
    return new ClipPool(datasets.slice(0, weights.length), mix);
  }

  it("numbers the clips of all datasets through and reads each where it lies", async () => {
    const clips = pool([1, 1, 1]);
    const expected = datasets.flatMap((dataset, store) => dataset.entries.map((entry) => ({ dataset, store, entry })));
    assert.equal(clips.entries.length, 24);
    for (const [index, { dataset, store, entry }] of expected.entries()) {
      assert.deepEqual(clips.entries[index], { ...entry, index });
      assert.equal(clips.sourceOf(index), store);
      assert.deepEqual(clips.row(index), { store, ...dataset.shards.row(entry.index) });
      assert.deepEqual(await clips.readFrames(index), await dataset.readFrames(entry.index));
    }
    assert.throws(() => clips.row(24), /clip 24 of 24/);
    assert.deepEqual(poolOf(datasets[0] as Dataset).entries, datasets[0]?.entries);
  });

  it("lets first frames of videos follow as images with the video's hash and caption", async () => {
    const clips = pool([1, 2, 1], { share: 0.5, from: "first-frames" });
    assert.equal(clips.entries.length, 24 + 18);
    assert.deepEqual(
      clips.sources.map(({ name, weight, store, clips: members }) => [name, weight, store, members.length]),
      [
        ["set-0", 1, 0, 16],
        ["set-1", 2, 1, 6],
        ["set-2", 1, 2, 2],
        ["set-0 first frames", 1, 0, 12],
        ["set-1 first frames", 2, 1, 6],
      ],
    );
    const videos = clips.entries.slice(0, 24).filter(({ frames }) => frames > 1);
    for (const [i, video] of videos.entries()) {
      const index = 24 + i;
      const still = { ...video, index, frames: 1, grid: { ...video.grid, t: 1 } };
      assert.deepEqual(clips.entries[index], still);
      const frame = (await clips.readFrames(video.index)).subarray(0, 8 * 8 * 3);
      assert.deepEqual(await clips.readFrames(index), frame);
      assert.deepEqual(clips.row(index), clips.row(video.index), "stored once");
    }
  });

  it("leaves held-out clips out, with their first frames", () => {
    const clips = pool([1, 1], { share: 0.5, from: "first-frames" });
    const training = trainingClips(clips, 0.4);
    const hashes = new Set(training.map(({ entry }) => entry.hash));
    assert.ok(hashes.size > 5 && hashes.size < 20);
    for (const { hash, index } of clips.entries) {
      assert.equal(
        training.some((clip) => clip.index === index),
        !isHeldOut(hash, 0.4),
      );
    }
  });

  it("draws sources at their weights and images at their share", () => {
    const clips = pool([1, 3, 2], { share: 0.25, from: "clips" });
    const training = trainingClips(clips, 0);
    const kinds = { t: 1, h: 2, w: 2 };
    // One grid of each length; a plan holds one clip, so that rates are exact.
    const grids = training.map(({ entry, index, source, weight }) => {
      return { index, source, weight, grid: { ...kinds, t: entry.frames } };
    });
    const lengths = [1, 5, 9];
    const wanted = (frames: number) => {
      const members = training.filter(({ entry }) => entry.frames === frames);
      return members.reduce((sum, { weight }) => sum + weight, 0);
    };
    const plans = lengths.map((t) => ({ grids: [{ ...kinds, t }], rate: wanted(t) }));
    const loader = new PackLoader(plans, grids, 3);
    const times = clips.entries.map(() => 0);
    const numDraws = 40_000;
    for (let n = 0; n < numDraws; n++) for (const clip of loader.next().clips) times[clip] = (times[clip] ?? 0) + 1;
    const sum = (holds: (index: number) => boolean) =>
      times.reduce((total, count, index) => total + (holds(index) ? count : 0), 0);
    const isImage = (index: number) => clips.entries[index]?.frames === 1;
    assert.ok(Math.abs(sum(isImage) / numDraws - 0.25) < 1e-4);
    const perClip = (source: number, image: boolean) => {
      const members = clips.entries.filter(({ index }) => clips.sourceOf(index) === source && isImage(index) === image);
      return sum((index) => members.some((member) => member.index === index)) / members.length;
    };
    assert.ok(Math.abs(perClip(1, false) / perClip(0, false) - 3) < 0.01);
    assert.ok(Math.abs(perClip(2, true) / perClip(0, true) - 2) < 0.01);
    const epochs = epochsByName(loader.epochs, clips.sources);
    assert.deepEqual(Object.keys(epochs), ["epoch", "epoch/set-0", "epoch/set-1", "epoch/set-2"]);
    assert.equal(epochs["epoch/set-1"], perClip(1, false));
    assert.equal(epochs.epoch, numDraws / 24);
    assert.deepEqual(Object.keys(epochsByName(loader.epochs, clips.sources.slice(0, 1))), ["epoch"]);
  });

  it("refuses what leaves nothing to draw, in one line", () => {
    const refuses = (clips: ClipPool<Dataset>, heldOut: number, message: RegExp) =>
      assert.throws(() => trainingClips(clips, heldOut), { name: "UserError", message });
    const [, , imagesOnly] = datasets as [Dataset, Dataset, Dataset];
    const lasts = Math.max(...imagesOnly.entries.map(({ hash }) => Number.parseInt(hash.slice(0, 12), 16) / 2 ** 48));
    const allOut = Math.min(0.999999, lasts + 1e-9);
    refuses(
      poolOf(imagesOnly),
      allOut,
      /^data: expected clips to train on, got none: all 2 of .*set-2 are held out; try a smaller data\.heldOut$/,
    );
    if (datasets[0]?.entries.some(({ hash }) => !isHeldOut(hash, allOut))) {
      refuses(pool([1, 1, 1]), allOut, /^data\.sources\.2: expected clips to train on, got none: all 2 of .*set-2 /);
    }
    const share = { share: 0.5, from: "clips" } as const;
    const noImages = new ClipPool([datasets[1] as Dataset], { sources: [{ name: "a", weight: 1 }], images: share });
    refuses(noImages, 0, /^data\.images: .* got no clip of one frame; try images\.from first-frames$/);
    const noVideos = new ClipPool([imagesOnly], { sources: [{ name: "a", weight: 1 }], images: share });
    refuses(noVideos, 0, /^data\.images: .* got no clip of more than one frame; try the mix without data\.images$/);
  });
});
