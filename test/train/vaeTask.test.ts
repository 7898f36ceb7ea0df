import assert from "node:assert/strict";
import { join } from "node:path";
import type { JsonValue } from "../../src/base/json.ts";
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
