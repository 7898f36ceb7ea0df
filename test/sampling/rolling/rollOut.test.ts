import assert from "node:assert/strict";
import { KeyedRandom } from "../../../src/base/random.ts";
import { timesOf } from "../../../src/diffusion/sampler.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { createOnnxEngine } from "../../../src/engine/runtime/onnxEngine.ts";
import { patchify, unpatchify } from "../../../src/models/patches/patchify.ts";
import { denormaliseLatents, normaliseLatents } from "../../../src/models/vae/latents.ts";
import { Flow } from "../../../src/sampling/flow.ts";
import type { LatentRequest } from "../../../src/sampling/latentRequest.ts";
import { joinLatents, type LatentVideo, latentFrames } from "../../../src/sampling/latentVideo.ts";
import { knownFrom } from "../../../src/sampling/modes/context.ts";
import { latentStream, type RollOptions, rollOut } from "../../../src/sampling/rolling/rollOut.ts";
import { rollingSchema } from "../../../src/sampling/rolling/schedule.ts";
import { samplesSchema } from "../../../src/sampling/samplingConfig.ts";
import { assertClose } from "../../nn/numeric.ts";
import { randomVideoModel, someLatents } from "../samplingSetting.ts";

const { sampler, guidance } = samplesSchema.parse({ sampler: { steps: 3 }, guidance: { scale: 2 } });
const options: RollOptions = { seed: 1, sampler, guidance, rolling: rollingSchema.parse({}), window: 3 };
const given = someLatents(2, "given");
const long: LatentRequest = { prompt: "a", grid: { t: 8, h: 4, w: 4 }, noiseKey: "long" };
const going: LatentRequest = { ...long, noiseKey: "after", known: knownFrom(given, 0) };

describe("rollOut", () => {
  let engine: Engine;
  before(async () => {
    engine = await createOnnxEngine({ threads: 1 });
  });
  after(() => engine.dispose());

  async function roll(requests: readonly LatentRequest[], changes: Partial<RollOptions> = {}): Promise<LatentVideo[]> {
    const parts: LatentVideo[][] = requests.map(() => []);
    for await (const { clip, latents } of rollOut(randomVideoModel(engine), requests, { ...options, ...changes })) {
      parts[clip]?.push(latents);
    }
    return parts.map(joinLatents);
  }

  it("draws a block after the end of the one before: as the flow does by hand", async () => {
    const model = randomVideoModel(engine);
    const [drawn] = await roll([long]);
    assert.ok(drawn !== undefined && drawn.grid.t === 8);
    const patch = model.model.dit.patch;
    const window = { t: 3, h: 4, w: 4 };
    const tokensOf = (video: LatentVideo) =>
      patchify(normaliseLatents(video.latent_thwz.slice(), model.statistics), video.grid, patch);
    const noise = (frame: number) =>
      new KeyedRandom(1, "sample noise", "long", 0, "frame", frame).fillNormal(new Float32Array(64));
    const flow = await Flow.create(model, [{ t: 3, h: 2, w: 2 }], { sampler, guidance });
    const times = timesOf(sampler, 12);
    const still = times.map(() => 0);
    // The first block is a whole window; each further one keeps one frame of three; the last is moved back to the end.
    for (const [first, numKept] of [
      [0, 0],
      [2, 1],
      [4, 1],
      [5, 2],
    ] as const) {
      const start_LP = new Float32Array(192);
      for (let i = 0; i < 3; i++) {
        const kept = i < numKept ? tokensOf(latentFrames(drawn, first + i, first + i + 1)) : noise(first + i);
        start_LP.set(kept, i * 64);
      }
      const clip = { prompt: "a", negative: "", start_LP, times: [0, 1, 2].map((i) => (i < numKept ? still : times)) };
      const [end] = await flow.run([clip]);
      const latent_thwz = denormaliseLatents(unpatchify(end as Float32Array, window, patch), model.statistics);
      assertClose(latentFrames(drawn, first, first + 3).latent_thwz, latent_thwz, 1e-5, `window from ${first}`);
    }
    await flow.dispose();
  });

  for (const kind of ["blocks", "frames"] as const) {
    const rolling = rollingSchema.parse({ kind });

    it(`goes on from given frames, which come out to the bit, ${kind}`, async () => {
      const [drawn] = await roll([going], { rolling });
      assert.deepEqual(drawn && latentFrames(drawn, 0, 2).latent_thwz, given.latent_thwz);
      assert.ok(drawn?.latent_thwz.every(Number.isFinite));
      const other = someLatents(2, "other");
      const [otherwise] = await roll([{ ...going, known: knownFrom(other, 0) }], { rolling });
      for (let frame = 2; frame < 8; frame++) {
        const of = (video?: LatentVideo) => video && latentFrames(video, frame, frame + 1).latent_thwz;
        assert.notDeepEqual(of(drawn), of(otherwise), `frame ${frame} depends on what came before`);
      }
    });

    it(`draws a clip alike alone and beside clips of other lengths and sizes, ${kind}`, async () => {
      const wide = { prompt: "b", grid: { t: 5, h: 4, w: 8 } };
      const short = { prompt: "", grid: { t: 2, h: 4, w: 4 } };
      const [, together, , others] = await roll([wide, long, short, going], { rolling });
      const [alone] = await roll([long], { rolling });
      const [aloneAfter] = await roll([going], { rolling });
      assertClose(together?.latent_thwz ?? [], alone?.latent_thwz ?? [], 1e-5);
      assertClose(others?.latent_thwz ?? [], aloneAfter?.latent_thwz ?? [], 1e-5);
    });

    it(`hands frames out in order long before the end, ${kind}`, async () => {
      let steps = 0;
      const at: number[] = [];
      const onStep = (done: number) => {
        steps = done;
      };
      const stream = rollOut(randomVideoModel(engine), [{ ...long, grid: { t: 30, h: 4, w: 4 } }], {
        ...options,
        rolling,
        onStep,
      });
      for await (const latent_hwz of latentStream(stream)) {
        assert.equal(latent_hwz.length, 64);
        at.push(steps);
      }
      assert.equal(at.length, 30);
      assert.ok((at[0] as number) <= 6 && (at[15] as number) < 0.65 * steps, `${at} of ${steps}`);
    });
  }

  it("shows what the prompt in force says: frames before a change are as without it", async () => {
    const changing = { ...long, later: [{ from: 4, prompt: "quite another thing" }] };
    const [same] = await roll([long]);
    const [alone] = await roll([changing]);
    assert.ok(same !== undefined && alone !== undefined);
    const frame = (video: LatentVideo, i: number) => latentFrames(video, i, i + 1).latent_thwz;
    for (let i = 0; i < 3; i++) assertClose(frame(alone, i), frame(same, i), 1e-5);
    // Blocks begin at frames 3 and 5: the one that holds frame 4 is the first under the new prompt.
    for (let i = 3; i < 8; i++) assert.notDeepEqual(frame(alone, i), frame(same, i));
  });

  it("refuses what a long clip cannot be given", async () => {
    await assert.rejects(
      roll([{ ...long, known: knownFrom(given, 3) }]),
      /given frames: expected the first ones.*latent frame 3/,
    );
    await assert.rejects(
      roll([{ ...long, edit: { from: someLatents(8, "e"), strength: 0.5 } }]),
      /edit: expected a clip that fits into the model's window/,
    );
    await assert.rejects(roll([long], { window: 1 }), /expected a window of two frames or more, got 1/);
  });
});
