import assert from "node:assert/strict";
import { join } from "node:path";
import { type Grid, gridKey } from "../../src/base/grid.ts";
import type { JsonValue } from "../../src/base/json.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { isHeldOut } from "../../src/data/heldOut.ts";
import { createLatents, openLatents } from "../../src/data/latents.ts";
import { patchify } from "../../src/models/patches/patchify.ts";
import type { TextEncoderConfig } from "../../src/models/text/textConfig.ts";
import { textRow, textRowLength } from "../../src/models/text/textRow.ts";
import { objectiveSchema } from "../../src/train/ditConfig.ts";
import type { DitTask } from "../../src/train/ditTask.ts";
import { packingSchema } from "../../src/train/packingConfig.ts";
import { scratchFolder } from "../data/scratch.ts";
import { nextBatch, type SmallLatents, smallDit, smallDitTask, smallLatents, smallWorld } from "./loopSetting.ts";

const { text: encoder } = smallDit().dit;
assert.ok(encoder.kind === "bytes");
const text: TextEncoderConfig = encoder;

describe("DitTask", () => {
  const folder = scratchFolder();
  let dataset: Dataset;
  let data: SmallLatents;
  before(async () => {
    dataset = await smallWorld(folder());
    data = await smallLatents(dataset);
  });
  after(async () => {
    await data.latents.close();
    await dataset.close();
  });

  /** The rows of a batch's clips: values by name, and the dataset's entry that the clean tokens belong to. */
  async function clipsOf(task: DitTask, step: number, part = 0) {
    const { arrangement, inputs } = await nextBatch(task, step, part);
    const grids = arrangement.key.split(",").map((key) => key.split("x").map(Number) as [number, number, number]);
    let [token, frame] = [0, 0];
    return grids.map(([t, h, w], i) => {
      const rows = (name: string, first: number, count: number, width: number) =>
        [...(inputs[name]?.data ?? [])].slice(first * width, (first + count) * width);
      const width = inputs.x0_LP?.shape[1] as number;
      const clip = {
        x0: rows("x0_LP", token, t * h * w, width),
        eps: rows("eps_LP", token, t * h * w, width),
        times: rows("t_F", frame, t, 1),
        weights: rows("weight_F", frame, t, 1),
        text: rows("text_CR", i, 1, textRowLength(text)),
      };
      token += t * h * w;
      frame += t;
      return clip;
    });
  }

  async function tokensOf({ latents, statistics: { mean, std } }: SmallLatents, index: number): Promise<number[]> {
    const normal = (await latents.read(index)).map(
      (value, i) => (value - (mean[i % 4] as number)) / (std[i % 4] as number),
    );
    return [...patchify(normal, latents.entries[index]?.grid as Grid, [1, 2, 2])];
  }

  it("lays normalised latents of clips into a pack, each with its own caption", async () => {
    const task = await smallDitTask(data, { objective: objectiveSchema.parse({ captionDrop: 0 }) });
    const known = new Map<string, string>();
    for (const { index, caption } of data.latents.entries) {
      known.set((await tokensOf(data, index)).map((value) => value.toFixed(4)).join(), caption);
    }
    for (let step = 1; step <= 4; step++) {
      for (const { x0, text: row } of await clipsOf(task, step)) {
        const caption = known.get(x0.map((value) => value.toFixed(4)).join());
        assert.ok(caption !== undefined, "the tokens are those of a clip");
        assert.deepEqual(row, [...textRow(caption, text)]);
      }
    }
  });

  it("drops captions at the rate that the objective says", async () => {
    const task = await smallDitTask(data, { objective: objectiveSchema.parse({ captionDrop: 0.3 }) });
    const dropped = String(textRow(undefined, text));
    const all: boolean[] = [];
    for (let step = 1; step <= 100; step++) {
      all.push(...(await clipsOf(task, step)).map(({ text: row }) => String(row) === dropped));
    }
    const rate = all.filter(Boolean).length / all.length;
    // Four standard deviations of a share of some 400 draws.
    assert.ok(Math.abs(rate - 0.3) < 4 * Math.sqrt((0.3 * 0.7) / all.length), `${rate} of ${all.length}`);
  });

  it("gives a clip one time, and noise and time that no other clip of the pack changes", async () => {
    const draws = new Map<string, { eps: number[]; times: number[] }>();
    for (const tokens of [24, 8]) {
      const task = await smallDitTask(data, { packing: packingSchema.parse({ tokens, maxPlans: 3 }) });
      for (let pack = 0; pack < 60; pack++) {
        const clips = await clipsOf(task, 7);
        for (const { x0, eps, times } of clips.filter(firstOfItsKind)) {
          assert.equal(new Set(times).size, 1);
          const before = draws.get(String(x0));
          if (before !== undefined) assert.deepEqual({ eps, times }, before);
          draws.set(String(x0), { eps, times });
        }
      }
    }
    assert.equal(draws.size, data.latents.entries.length);
    assert.equal(new Set([...draws.values()].map(({ eps }) => String(eps))).size, draws.size);
  });

  it("weighs errors of the clean latent by their ratio of signal to noise, up to the limit, at every time", async () => {
    const objective = (minSnr?: number) =>
      objectiveSchema.parse({ time: { std: 2 }, ...(minSnr === undefined ? {} : { minSnr }) });
    for (const gamma of [1, 5]) {
      const plain = await smallDitTask(data, { objective: objective() });
      const limited = await smallDitTask(data, { objective: objective(gamma) });
      let numLimited = 0;
      for (let step = 1; step <= 8; step++) {
        const [wanted, got] = [await clipsOf(plain, step), await clipsOf(limited, step)];
        for (const [i, { times, weights }] of wanted.entries()) {
          assert.deepEqual(got[i]?.times, times);
          const [t, weight, clipped] = [times[0], weights[0], got[i]?.weights[0]] as [number, number, number];
          const snr = (1 - t) ** 2 / t ** 2;
          // A velocity's loss is 1 / t^2, which is (1 + sqrt(SNR))^2, of the clean latent's.
          const most = (1 + Math.sqrt(gamma)) ** 2;
          assert.ok(Math.abs(clipped / t ** 2 / weight - Math.min(1 / t ** 2, most)) < 1e-4 * most, `at ${t}`);
          numLimited += Number(snr > gamma);
        }
      }
      assert.ok(numLimited > 2, "some clips have little noise");
    }
  });

  it("draws anew for each step, part and repeat of a clip in a pack", async () => {
    const dir = join(folder(), "one clip");
    const [entry] = data.latents.entries.filter(({ grid }) => grid.t === 1);
    assert.ok(entry !== undefined);
    await createLatents(dir, { made: { command: "test", options: {} } }, async (out) => {
      out.add(entry, entry.grid, 4, (await data.latents.read(entry.index)).slice());
    });
    const latents = await openLatents(dir);
    const task = await smallDitTask({ ...data, latents });
    const packs = [await clipsOf(task, 1, 0), await clipsOf(task, 1, 1), await clipsOf(task, 2, 0)];
    await latents.close();
    const clips = packs.flat();
    assert.equal(clips.length, 18);
    assert.equal(new Set(clips.map(({ x0 }) => String(x0))).size, 1);
    assert.equal(new Set(clips.map(({ eps }) => String(eps))).size, 18);
    assert.equal(new Set(clips.map(({ times }) => String(times))).size, 18);
  });

  it("never draws held-out clips, and all others", async () => {
    const heldOut = 0.4;
    const task = await smallDitTask(data, { heldOut });
    const drawn = new Set<string>();
    for (let step = 1; step <= 60; step++) {
      for (const { x0 } of await clipsOf(task, step)) drawn.add(String(x0));
    }
    for (const { index, hash } of data.latents.entries) {
      const tokens = String(Float32Array.from(await tokensOf(data, index)));
      assert.equal(drawn.has(tokens), !isHeldOut(hash, heldOut), `clip ${index}`);
    }
  });

  it("gives the same batches again from a cursor", async () => {
    const task = await smallDitTask(data);
    let cursor: JsonValue = null;
    for (let step = 1; step <= 10; step++) ({ cursor } = await nextBatch(task, step, 0));
    const resumed = await smallDitTask(data);
    resumed.seek(cursor);
    for (let step = 11; step <= 20; step++) {
      const [one, other] = [await nextBatch(task, step, 0), await nextBatch(resumed, step, 0)];
      assert.deepEqual([one.inputs, one.cursor], [other.inputs, other.cursor]);
    }
  });

  it("uses the first frames of clips that are too long for a pack, when the recipe allows it", async () => {
    const tokens = Math.max(...data.latents.entries.map(({ grid }) => (grid.t * grid.h * grid.w) / 4)) - 1;
    const packing = packingSchema.parse({ tokens, maxPlans: 3, longClips: "cut" });
    const task = await smallDitTask(data, { packing });
    assert.ok(task.packing.cut.length > 0);
    const cutTo = new Set(task.packing.cut.map(({ to }) => gridKey(to)));
    const known = new Set<string>();
    for (const { index, grid } of data.latents.entries) {
      const clip = await tokensOf(data, index);
      for (let t = 1; t <= grid.t; t++) known.add(String(clip.slice(0, (clip.length / grid.t) * t)));
    }
    const drawn = new Set<string>();
    for (let step = 1; step <= 10; step++) {
      const { arrangement } = await nextBatch(task, step, 0);
      for (const key of arrangement.key.split(",")) drawn.add(key);
      for (const { x0 } of await clipsOf(task, step)) assert.ok(known.has(String(x0)), "first frames of a clip");
    }
    for (const key of cutTo) assert.ok(drawn.has(key), key);
  });

  for (const weighting of ["token", "clip"] as const) {
    it(`gives frames clean and without a share of the loss, whose shares stay 1 on average, per ${weighting}`, async () => {
      const conditioning = { first: 0.3, last: 0.2, keyframes: 0.1, independent: 0.3 };
      const objective = objectiveSchema.parse({ conditioning, weighting });
      const task = await smallDitTask(data, { objective });
      const sums: number[] = [];
      const patterns = new Set<string>();
      for (let step = 1; step <= 150; step++) {
        const clips = await clipsOf(task, step);
        for (const { times, weights } of clips) {
          assert.deepEqual(
            weights.map((weight) => weight === 0),
            times.map((time) => time === 0),
          );
          assert.ok(weights.some((weight) => weight > 0));
          patterns.add(times.map((time) => (time === 0 ? "given" : time === times[0] ? "drawn" : "other")).join());
        }
        sums.push(clips.flatMap(({ weights }) => weights).reduce((a, b) => a + b, 0));
      }
      assert.deepEqual([...patterns].sort(), ["drawn", "drawn,drawn", "drawn,given", "drawn,other", "given,other"]);
      const mean = sums.reduce((a, b) => a + b, 0) / sums.length;
      const std = Math.sqrt(sums.reduce((sum, value) => sum + (value - mean) ** 2, 0) / sums.length);
      assert.ok(Math.abs(mean - 1) < (4 * std) / Math.sqrt(sums.length) + 1e-6, `${mean} +- ${std}`);
    });
  }

  it("draws windows of long clips: from the beginning, or from anywhere where the first frame is given", async () => {
    const dir = join(folder(), "long clips");
    const [entry] = data.latents.entries;
    assert.ok(entry !== undefined);
    const grid = { t: 6, h: 2, w: 2 };
    const latent = Float32Array.from({ length: 6 * 2 * 2 * 4 }, (_, i) => Math.floor(i / 16));
    await createLatents(dir, { made: { command: "test", options: {} } }, async (out) => {
      out.add(entry, grid, 4, latent);
    });
    const latents = await openLatents(dir);
    const task = await smallDitTask(
      { latents, statistics: { mean: [0, 0, 0, 0], std: [1, 1, 1, 1] } },
      {
        objective: objectiveSchema.parse({ conditioning: { first: 0.4, last: 0.2, keyframes: 0.3 } }),
        packing: packingSchema.parse({ tokens: 3, maxPlans: 1, window: 3 }),
      },
    );
    const [given, drawn] = [new Set<string>(), new Set<string>()];
    for (let step = 1; step <= 80; step++) {
      for (const { x0, times } of await clipsOf(task, step)) {
        const frames = [0, 1, 2].map((frame) => x0[frame * 16] as number);
        assert.deepEqual(
          frames,
          [0, 1, 2].map((frame) => (frames[0] as number) + frame),
        );
        (times[0] === 0 ? given : drawn).add(frames.join(""));
      }
    }
    await latents.close();
    assert.deepEqual([...given].sort(), ["012", "123", "234", "345"]);
    assert.deepEqual([...drawn], ["012"]);
  });

  it("refuses what does not fit, naming a clip", async () => {
    const model = smallDit();
    const coarse = { ...model, dit: { ...model.dit, patch: [1, 4, 4] as [number, number, number] } };
    await assert.rejects(
      () => smallDitTask(data, { model: coarse }),
      /^UserError: dit\.patch for shapes seed 1 clip \d+: .* 1x4x4 /,
    );
    await assert.rejects(
      () => smallDitTask(data, { heldOut: 0.999999 }),
      /^UserError: data: expected clips to train on, got none/,
    );
  });
});

function firstOfItsKind<T extends { x0: number[] }>({ x0 }: T, i: number, clips: readonly T[]): boolean {
  return clips.findIndex((other) => String(other.x0) === String(x0)) === i;
}
