import assert from "node:assert/strict";
import { join } from "node:path";
import type { JsonValue } from "../../src/base/json.ts";
import type { HostTensor } from "../../src/base/tensors.ts";
import { type Clip, clipHash } from "../../src/data/clip.ts";
import { createDataset, type Dataset, openDataset } from "../../src/data/dataset.ts";
import { isHeldOut } from "../../src/data/heldOut.ts";
import type { VaeTask } from "../../src/train/vaeTask.ts";
import { noiseClip, scratchFolder } from "../data/scratch.ts";
import { nextBatch, smallVaeTask, smallWorld } from "./loopSetting.ts";

describe("VaeTask", () => {
  const folder = scratchFolder();
  let dataset: Dataset;
  before(async () => {
    dataset = await smallWorld(folder());
  });
  after(() => dataset.close());

  /** Clips of the next batch, as bytes, with their posterior noise. */
  async function clipsOf(task: VaeTask, step: number, part = 0) {
    const { arrangement, inputs, numClips } = await nextBatch(task, step, part);
    const { video_BTHWC: video, eps_Bthwz: eps } = inputs;
    assert.ok(video !== undefined && eps !== undefined);
    assert.deepEqual(video.shape, arrangement.signature.video_BTHWC?.shape);
    const share = (data: ArrayLike<number>, i: number) =>
      Array.from(data).slice((i * data.length) / numClips, ((i + 1) * data.length) / numClips);
    return Array.from({ length: numClips }, (_, i) => ({
      bytes: Buffer.from(share(video.data, i).map((value) => Math.round((value + 1) * 127.5))).toString("base64"),
      eps: String(share(eps.data, i)),
    }));
  }

  it("makes batches of clips of one size, each clip in time and none that is held out", async () => {
    const heldOut = 0.4;
    const task = smallVaeTask(dataset, "random", heldOut);
    const drawn = new Set<string>();
    for (let step = 1; step <= 60; step++) for (const { bytes } of await clipsOf(task, step)) drawn.add(bytes);
    for (const { index, hash } of dataset.entries) {
      const bytes = Buffer.from(await dataset.readFrames(index)).toString("base64");
      assert.equal(drawn.has(bytes), !isHeldOut(hash, heldOut), `clip ${index}`);
    }
  });

  it("draws noise anew for every clip, step and part", async () => {
    const task = smallVaeTask(dataset, "random");
    const clips = [];
    for (const step of [1, 2, 3]) for (const part of [0, 1]) clips.push(...(await clipsOf(task, step, part)));
    assert.ok(clips.length > 12, "more than two clips a batch");
    assert.equal(new Set(clips.map(({ eps }) => eps)).size, clips.length);
  });

  it("gives the same batches again from a cursor", async () => {
    const task = smallVaeTask(dataset, "random");
    let cursor: JsonValue = null;
    for (let step = 1; step <= 5; step++) ({ cursor } = await nextBatch(task, step, 0));
    const resumed = smallVaeTask(dataset, "random");
    resumed.seek(cursor);
    for (let step = 6; step <= 15; step++) {
      const [one, other] = [await nextBatch(task, step, 0), await nextBatch(resumed, step, 0)];
      assert.deepEqual([one.inputs, one.cursor], [other.inputs, other.cursor]);
    }
  });

  it("shows each clip in each of its views: every second frame, a part of it, mirrored or not", async () => {
    const dir = join(folder(), "views");
    await createDataset(dir, { made: { command: "test", options: {} } }, (out) => {
      for (let id = 0; id < 6; id++) out.add(noiseClip(id < 3 ? 9 : 1, 8, 16, id));
    });
    const clips = await openDataset(dir);
    const task = smallVaeTask(clips, "random", 0, { flip: true, crops: [{ height: 8, width: 8 }], strides: [1, 2] });
    assert.deepEqual(task.notes, []);
    const pixels = await Promise.all(clips.entries.map(({ index }) => clips.readFrames(index)));
    /** Where the view of some clip comes from, found by looking everywhere. */
    const find = (bytes: Uint8Array, frames: number) => {
      for (const [index, clip] of clips.entries.entries()) {
        for (const stride of [1, 2]) {
          for (let start = 0; start + (frames - 1) * stride < clip.frames; start++) {
            for (let left = 0; left <= 8; left++) {
              for (const mirrored of [false, true]) {
                const isHere = bytes.every((value, i) => {
                  const [c, w, h, t] = [i % 3, Math.floor(i / 3) % 8, Math.floor(i / 24) % 8, Math.floor(i / 192)];
                  const column = left + (mirrored ? 7 - w : w);
                  return pixels[index]?.[(((start + t * stride) * 8 + h) * 16 + column) * 3 + c] === value;
                });
                if (isHere) return { index, stride: frames === 1 ? 1 : stride, left, mirrored };
              }
            }
          }
        }
      }
      return undefined;
    };
    const seen = { views: new Map<string, number>(), lefts: new Set<number>(), mirrored: new Set<boolean>() };
    let epochs = 0;
    for (let step = 1; epochs < 8; step++) {
      const { inputs, numClips, epochs: after } = await nextBatch(task, step);
      const video = inputs.video_BTHWC as HostTensor;
      const bytes = Uint8Array.from(video.data, (value) => Math.round((value + 1) * 127.5));
      for (let i = 0; i < numClips; i++) {
        const size = bytes.length / numClips;
        const found = find(bytes.subarray(i * size, (i + 1) * size), video.shape[1] as number);
        assert.ok(found !== undefined, `clip ${i} of step ${step} is a view`);
        const view = `${found.index} at ${found.stride}`;
        seen.views.set(view, (seen.views.get(view) ?? 0) + 1);
        seen.lefts.add(found.left);
        seen.mirrored.add(found.mirrored);
      }
      epochs = after.epoch as number;
    }
    await clips.close();
    const wanted = [0, 1, 2].flatMap((index) => [`${index} at 1`, `${index} at 2`]);
    assert.deepEqual([...seen.views.keys()].sort(), [...wanted, "3 at 1", "4 at 1", "5 at 1"].sort());
    const times = (view: string) => seen.views.get(view) ?? 0;
    for (const index of [0, 1, 2]) {
      // As often as each image in all, at either stride alike; batches are whole, so not to the last clip.
      assert.ok(Math.abs(times(`${index} at 1`) - times(`${index} at 2`)) <= 2, JSON.stringify([...seen.views]));
      assert.ok(Math.abs(times(`${index} at 1`) + times(`${index} at 2`) - 8) <= 3, JSON.stringify([...seen.views]));
    }
    assert.ok(seen.lefts.size > 4);
    assert.equal(seen.mirrored.size, 2);
  });

  it("refuses a crop that the factors do not divide", () => {
    assert.throws(
      () => smallVaeTask(dataset, "random", 0, { crops: [{ height: 8, width: 10 }] }),
      /^UserError: augment\.crops\.0: expected .* multiples of 4, got 1x8x10/,
    );
  });

  it("trains where all clips of a size are held out", async () => {
    const dir = join(folder(), "one size unseen");
    const shareOf = (clip: Clip) => Number.parseInt(clipHash(clip).slice(0, 8), 16) / 2 ** 32;
    const videos = Array.from({ length: 6 }, (_, id) => noiseClip(5, 8, 8, id));
    const ids = Array.from({ length: 60 }, (_, id) => id);
    const image = ids.map((id) => noiseClip(1, 8, 8, id)).sort((a, b) => shareOf(a) - shareOf(b))[0] as Clip;
    await createDataset(dir, { made: { command: "test", options: {} } }, (out) => {
      for (const clip of [image, ...videos]) out.add(clip);
    });
    const some = await openDataset(dir);
    const task = smallVaeTask(some, "random", shareOf(image) + 1e-6);
    const batches = Array.from({ length: 8 }, (_, step) => task.draw({ step, part: 0 }));
    assert.deepEqual(new Set(batches.map(({ arrangement }) => arrangement.key)), new Set(["8 of 5x8x8"]));
    await some.close();
  });

  it("refuses a clip that the factors do not divide, though it is held out", async () => {
    const dir = join(folder(), "odd");
    await createDataset(dir, { made: { command: "test", options: {} } }, (out) => {
      for (let id = 0; id < 12; id++) out.add(noiseClip(5, 8, 8, id));
      out.add(noiseClip(5, 8, 10, 99));
    });
    const odd = await openDataset(dir);
    const { hash } = odd.entries[12] as { hash: string };
    const heldOut = Number.parseInt(hash.slice(0, 8), 16) / 2 ** 32 + 1e-6;
    assert.ok(isHeldOut(hash, heldOut));
    assert.throws(
      () => smallVaeTask(odd, "random", heldOut),
      /^UserError: vae for noise 99 of .*odd: expected .* multiples of 4, got 5x8x10; try 5x8x(8|12)$/,
    );
    await odd.close();
  });
});
