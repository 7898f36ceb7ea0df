import assert from "node:assert/strict";
import { KeyedRandom } from "../../src/base/random.ts";
import { floats, ints } from "../../src/base/tensors.ts";
import { denoiseProgram } from "../../src/diffusion/ditPrograms.ts";
import { guidanceSchema } from "../../src/diffusion/guidance.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { compileModel } from "../../src/models/compiledModel.ts";
import { PackPlan } from "../../src/models/patches/pack.ts";
import { patchify } from "../../src/models/patches/patchify.ts";
import { textRow, textRowLength } from "../../src/models/text/textRow.ts";
import { normaliseLatents } from "../../src/models/vae/latents.ts";
import { type DrawOptions, drawLatents } from "../../src/sampling/drawLatents.ts";
import { partOfTimes } from "../../src/sampling/drawTogether.ts";
import type { KnownFrame, LatentRequest } from "../../src/sampling/latentRequest.ts";
import { joinLatents, latentFrames } from "../../src/sampling/latentVideo.ts";
import { rollOut } from "../../src/sampling/rolling/rollOut.ts";
import { rollingSchema } from "../../src/sampling/rolling/schedule.ts";
import { samplesSchema } from "../../src/sampling/samplingConfig.ts";
import { assertClose } from "../nn/numeric.ts";
import { randomVideoModel, someLatents } from "./samplingSetting.ts";

const grid = { t: 3, h: 4, w: 4 };
const given = someLatents(3, "given");
const known = (frame: number): KnownFrame => ({
  frame,
  latent_hwz: latentFrames(given, frame, frame + 1).latent_thwz,
});
const { sampler, guidance } = samplesSchema.parse({ sampler: { steps: 4 }, guidance: { scale: 3, rescale: 0.5 } });
const options: DrawOptions = { seed: 1, sampler, guidance };

describe("drawLatents", () => {
  let engine: Engine;
  before(async () => {
    engine = await createOnnxEngine({ threads: 1 });
  });
  after(() => engine.dispose());

  const draw = (requests: readonly LatentRequest[], changes: Partial<DrawOptions> = {}) =>
    drawLatents(randomVideoModel(engine), requests, { ...options, ...changes });
  const frameOf = (latent: Float32Array | undefined, frame: number) => latent?.slice(frame * 64, (frame + 1) * 64);

  it("returns given frames to the bit and draws the others by them", async () => {
    for (const kind of ["euler", "heun"] as const) {
      const changes = { sampler: { ...sampler, kind } };
      const [plain] = await draw([{ prompt: "a", grid, noiseKey: "k" }], changes);
      const [both] = await draw([{ prompt: "a", grid, noiseKey: "k", known: [known(0), known(2)] }], changes);
      assert.deepEqual(frameOf(both?.latent_thwz, 0), known(0).latent_hwz.slice());
      assert.deepEqual(frameOf(both?.latent_thwz, 2), known(2).latent_hwz.slice());
      assert.notDeepEqual(frameOf(both?.latent_thwz, 1), frameOf(plain?.latent_thwz, 1));
      assert.ok(both?.latent_thwz.every(Number.isFinite));
    }
  });

  const oneStep = { ...sampler, steps: 1 };
  const noGuidance = guidanceSchema.parse({ scale: 1 });
  const request: LatentRequest = { prompt: "a", grid, noiseKey: "k", known: [known(1)] };
  const noise_LP = new KeyedRandom(1, "sample noise", "k", 0).fillNormal(new Float32Array(given.latent_thwz.length));

  /** The velocity of one step from noise, as tokens: what was there before, less what came of it. */
  async function velocityOf(changes: Partial<DrawOptions>): Promise<Float32Array> {
    const [drawn] = await draw([request], { sampler: oneStep, ...changes });
    const clean_LP = tokensOf(drawn?.latent_thwz ?? new Float32Array());
    return noise_LP.map((eps, i) => eps - (clean_LP[i] as number));
  }

  function tokensOf(latent_thwz: Float32Array): Float32Array {
    return patchify(normaliseLatents(latent_thwz.slice(), randomVideoModel(engine).statistics), grid, [1, 2, 2]);
  }

  it("shows the model given frames clean, at time 0, and the others as noise, at time 1", async () => {
    const { model, weights } = randomVideoModel(engine);
    const x_LP = noise_LP.slice();
    x_LP.set(tokensOf(given.latent_thwz).subarray(64, 128), 64);
    const program = await compileModel(
      engine,
      "by hand",
      denoiseProgram(model, new PackPlan([{ t: 3, h: 2, w: 2 }])),
      weights,
    );
    const { text } = model.dit;
    assert.ok(text.kind === "bytes");
    const text_CR = ints([1, textRowLength(text)], textRow("a", text));
    const binding = program.bind({ x_LP: floats([12, 16], x_LP), t_F: floats([3], Float32Array.of(1, 0, 1)), text_CR });
    await binding.run();
    const expected = binding.outputs.v_LP?.data as Float32Array;
    const v_LP = await velocityOf({ guidance: noGuidance });
    for (const first of [0, 128]) {
      assertClose(v_LP.subarray(first, first + 64), expected.subarray(first, first + 64), 1e-5);
    }
    await program.dispose();
  });

  it("draws a clip alike whatever stands in the pack with it, every clip with its own frames given", async () => {
    const [alone] = await draw([request]);
    const other = { prompt: "b", grid: { t: 2, h: 4, w: 8 } };
    const image = { prompt: "", grid: { t: 1, h: 4, w: 4 } };
    const all = { prompt: "a", grid, noiseKey: "all", known: [known(2), known(0), known(1)] };
    const [, together, , whole] = await draw([other, request, image, all]);
    assertClose(together?.latent_thwz ?? [], alone?.latent_thwz ?? [], 1e-5);
    assert.deepEqual(whole?.latent_thwz, given.latent_thwz);
  });

  it("guides by the frames that are drawn: those that are given do not count for rescaling", async () => {
    const deviation = (v_LP: Float32Array): number => {
      const drawn = [...v_LP.subarray(0, 64), ...v_LP.subarray(128)];
      const mean = drawn.reduce((sum, v) => sum + v, 0) / drawn.length;
      return Math.sqrt(drawn.reduce((sum, v) => sum + (v - mean) ** 2, 0) / drawn.length);
    };
    const conditional = deviation(await velocityOf({ guidance: noGuidance }));
    const guided = await velocityOf({ guidance: guidanceSchema.parse({ scale: 5, rescale: 0 }) });
    const rescaled = await velocityOf({ guidance: guidanceSchema.parse({ scale: 5, rescale: 1 }) });
    assert.ok(Math.abs(deviation(guided) / conditional - 1) > 0.01, `${deviation(guided)}`);
    assert.ok(Math.abs(deviation(rescaled) / conditional - 1) < 1e-4, `${deviation(rescaled)} of ${conditional}`);
  });

  it("edits: strength 0 is the clip to the bit, 1 is a draw from noise, between it starts in the middle", async () => {
    const edit = (strength: number): LatentRequest => ({
      prompt: "a",
      grid,
      noiseKey: "k",
      edit: { from: given, strength },
    });
    const [same, anew, half] = await draw([edit(0), { ...edit(1) }, edit(0.5)]);
    assert.deepEqual(same?.latent_thwz, given.latent_thwz);
    const [drawn] = await draw([{ prompt: "a", grid, noiseKey: "k" }]);
    const [alone] = await draw([edit(1)]);
    assertClose(alone?.latent_thwz ?? [], drawn?.latent_thwz ?? [], 1e-6);
    assert.notDeepEqual(half?.latent_thwz, same?.latent_thwz);
    assert.notDeepEqual(half?.latent_thwz, anew?.latent_thwz);
  });

  it("draws on a frame that is given roughly when the others have come down to its time", async () => {
    const alone = async (one: LatentRequest) => (await draw([one]))[0]?.latent_thwz ?? assert.fail();
    const roughly = (until: number) => alone({ ...request, known: [{ ...known(1), until }] });
    const [exact, free] = [await alone(request), await alone({ prompt: "a", grid, noiseKey: "k" })];
    assert.deepEqual(await roughly(0), exact);
    assertClose(await roughly(1), free, 1e-6);
    const half = await roughly(0.5);
    for (const frame of [0, 1, 2]) {
      for (const other of [exact, free]) assert.notDeepEqual(frameOf(half, frame), frameOf(other, frame));
    }
  });

  it("takes the last part of a schedule in as many steps", () => {
    assert.deepEqual(partOfTimes([1, 0.75, 0.5, 0.25, 0], 0.5), [0.5, 0.375, 0.25, 0.125, 0]);
    assert.deepEqual(partOfTimes([1, 0.9, 0], 1), [1, 0.9, 0]);
    assert.deepEqual(partOfTimes([1, 0.9, 0], 0), [0, 0, 0]);
    assert.deepEqual(partOfTimes([1, 0], 0.25), [0.25, 0]);
  });

  it("refuses what does not fit before it computes", async () => {
    const refused = (request: Partial<LatentRequest>, message: RegExp) =>
      assert.rejects(draw([{ prompt: "a", grid, ...request }]), message);
    await refused(
      { known: [{ ...known(0), frame: 3 }] },
      /^UserError: given frame: expected a latent frame from 0 to 2/,
    );
    await refused(
      { known: [{ frame: 0, latent_hwz: new Float32Array(32) }] },
      /expected 64 values of 4x4 cells, got 32/,
    );
    await refused({ known: [{ ...known(1), until: 2 }] }, /expected a time from 0 to 1 that it waits at, got 2/);
    await refused({ known: [known(1), known(1)] }, /given frames: expected each once/);
    await refused({ edit: { from: given, strength: 2 } }, /edit strength: expected a number from 0 to 1, got 2/);
    await refused(
      { edit: { from: someLatents(2, "b"), strength: 1 } },
      /expected a clip of 3x4x4 latent cells, got 2x4x4/,
    );
  });

  describe("of clips longer than the model's window", () => {
    const rolling = rollingSchema.parse({});
    const knowing = (inside: boolean) => ({
      ...randomVideoModel(engine),
      long: { rolling, reachOf: () => ({ time: 4, window: 3, inside }) },
    });
    const long = { prompt: "a", grid: { t: 6, h: 4, w: 4 } };
    const short = { prompt: "a", grid };

    it("rolls them out, and draws the others as ever", async () => {
      const told: number[][] = [];
      const onStep = (...progress: number[]) => told.push(progress);
      const drawn = await drawLatents(knowing(true), [long, short], { ...options, onStep });
      assert.deepEqual(
        drawn.map(({ grid: { t } }) => t),
        [6, 3],
      );
      const [plain] = await draw([short]);
      assertClose(drawn[1]?.latent_thwz ?? [], plain?.latent_thwz ?? [], 1e-6);
      const parts = [];
      for await (const { latents } of rollOut(knowing(true), [long], { ...options, rolling, window: 3 }))
        parts.push(latents);
      assert.deepEqual(drawn[0], joinLatents(parts));
      assert.deepEqual(
        told,
        Array.from({ length: 16 }, (_, i) => [i + 1, 16]),
      );
    });

    it("draws them at once where the model does not go on from inside a clip", async () => {
      const [drawn] = await drawLatents(knowing(false), [long], options);
      const [plain] = await draw([long]);
      assert.deepEqual(drawn, plain);
    });

    it("refuses prompts that change in a clip that is drawn at once", async () => {
      const later = [{ from: 1, prompt: "b" }];
      const refused = (inside: boolean, request: LatentRequest, message: RegExp) =>
        assert.rejects(drawLatents(knowing(inside), [{ ...request, later }], options), message);
      await refused(true, short, /^UserError: prompts: expected one for a clip of up to 3 latent frames/);
      await refused(false, long, /expected one: the model draws a clip at once, .* trained with packing.window/);
    });
  });
});
