import assert from "node:assert/strict";
import { floats } from "../../src/base/tensors.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import type { LatentSet } from "../../src/data/latents.ts";
import { ClipPool } from "../../src/data/mix/clipPool.ts";
import type { Mix } from "../../src/data/mix/mix.ts";
import { RowStores } from "../../src/data/shards/rowStores.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { patchify } from "../../src/models/patches/patchify.ts";
import { ClipsAssembler } from "../../src/train/batches/clipsAssembler.ts";
import { ensureLatents } from "../../src/train/latentCache.ts";
import { scratchFolder } from "../data/scratch.ts";
import { nextBatch, randomCodec, smallDitTask, smallWorld } from "./loopSetting.ts";

const mix: Mix = { sources: [{ name: "world", weight: 1 }], images: { share: 0.5, from: "first-frames" } };

describe("first frames as images", () => {
  const folder = scratchFolder();
  let engine: Engine;
  let dataset: Dataset;
  let latents: LatentSet;
  before(async () => {
    dataset = await smallWorld(folder());
    engine = await createOnnxEngine({ threads: 1 });
    ({ latents } = await ensureLatents(dataset, randomCodec(engine), "0123456789abcdef"));
  });
  after(async () => {
    await engine.dispose();
    await latents.close();
    await dataset.close();
  });

  it("have the latents that the picture alone would have", async () => {
    const codec = randomCodec(engine);
    const clips = new ClipPool([dataset], mix);
    const pool = new ClipPool([latents], mix);
    const stills = pool.sources[1] ?? assert.fail();
    assert.ok(stills.clips.length > 8);
    for (let index = stills.first; index < stills.first + stills.clips.length; index++) {
      const { height: h, width: w, grid } = pool.entries[index] ?? assert.fail();
      const alone = await codec.encode(await clips.readFrames(index), { t: 1, h, w });
      const bytes = await pool.readFrames(index);
      const stored = new Float32Array(bytes.slice().buffer);
      assert.deepEqual(grid, codec.latentGrid({ t: 1, h, w }));
      assert.equal(stored.length, alone.length);
      const scale = Math.max(...alone.map(Math.abs));
      for (const [i, value] of stored.entries()) assert.ok(Math.abs(value - (alone[i] as number)) < 1e-5 * scale);
    }
  });

  it("stand in packs with the latents of the first frame, at their share of all clips", async () => {
    const pool = new ClipPool([latents], mix);
    const statistics = { mean: [0, 0, 0, 0], std: [1, 1, 1, 1] };
    const task = await smallDitTask({ latents, statistics }, { latents: pool });
    const known = new Set<string>();
    for (const { index, grid } of pool.entries) {
      if (grid.t > 1) continue;
      const latent = new Float32Array((await pool.readFrames(index)).slice().buffer);
      known.add(String(patchify(latent, grid, [1, 2, 2])));
    }
    const drawn = { images: 0, all: 0 };
    const seen = new Set<string>();
    for (let step = 1; step <= 60; step++) {
      const { arrangement, inputs } = await nextBatch(task, step, 0);
      const x0_LP = inputs.x0_LP ?? assert.fail();
      const numValues = x0_LP.shape[1] as number;
      let first = 0;
      for (const key of arrangement.key.split(",")) {
        const [t = 0, h = 0, w = 0] = key.split("x").map(Number);
        const tokens = String(x0_LP.data.slice(first * numValues, (first + t * h * w) * numValues));
        first += t * h * w;
        drawn.all++;
        if (t > 1) continue;
        drawn.images++;
        seen.add(tokens);
        assert.ok(known.has(tokens));
      }
    }
    assert.equal(seen.size, known.size);
    const images = task.packing.draws.filter(({ grid }) => grid.t === 1);
    const planned = images.reduce((sum, { drawn: share }) => sum + share, 0);
    assert.ok(Math.abs(planned - 0.5) < 0.02, `planned ${planned}`);
    assert.ok(Math.abs(drawn.images / drawn.all - planned) < 0.02, `${drawn.images} of ${drawn.all}`);
  });

  it("make batches for the autoencoder of the first frame's pixels", async () => {
    const clips = new ClipPool([dataset], mix);
    const assembler = new ClipsAssembler({ kind: "clips", seed: 1, flip: false }, new RowStores([dataset.shards]));
    const { first } = clips.sources[1] ?? assert.fail();
    const { height, width, frames } = clips.entries[first] ?? assert.fail();
    assert.equal(frames, 1);
    const video_BTHWC = floats([1, 1, height, width, 3]);
    const tensors = { video_BTHWC, eps_Bthwz: floats([1, 1, height / 4, width / 4, 4]) };
    const view = { frames, height, width, stride: 1 };
    const order = { kind: "clips", step: 1, part: 0, clips: [{ row: clips.row(first), frames, view }] } as const;
    await assembler.fill(order, tensors);
    const bytes = [...video_BTHWC.data].map((value) => Math.round((value + 1) * 127.5));
    assert.deepEqual(bytes, [...(await clips.readFrames(first))]);
  });
});
