import assert from "node:assert/strict";
import { guidanceSchema } from "../../src/diffusion/guidance.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { withCompile } from "../../src/engine/withCompile.ts";
import { samplesSchema } from "../../src/sampling/samplingConfig.ts";
import { type DrawOptions, textToVideo, type VideoModel } from "../../src/sampling/textToVideo.ts";
import { randomVideoModel } from "./samplingSetting.ts";

const red = { prompt: "a red circle", frames: 5, height: 16, width: 16 };
const blue = { prompt: "a blue square moves up", frames: 5, height: 8, width: 24 };
const image = { prompt: "", frames: 1, height: 16, width: 16 };

describe("textToVideo", () => {
  let engine: Engine;
  const alive = new Set<string>();
  before(async () => {
    engine = counted(await createOnnxEngine({ threads: 1 }));
  });
  after(() => engine.dispose());

  /** An engine that knows which of its programs are not disposed yet. */
  function counted(inner: Engine): Engine {
    return withCompile(inner, async (name, ...rest) => {
      const program = await inner.compile(name, ...rest);
      alive.add(name);
      const dispose = () => {
        alive.delete(name);
        return program.dispose();
      };
      return Object.assign(Object.create(program), { dispose });
    });
  }

  function videoModel(text = true): VideoModel & { readonly latents: Float32Array[] } {
    const video = randomVideoModel(engine, text);
    const { decode } = video.codec;
    const latents: Float32Array[] = [];
    video.codec.decode = (latent, grid) => {
      latents.push(latent.slice());
      return decode.call(video.codec, latent, grid);
    };
    return { ...video, statistics: { mean: [0, 0, 0, 0], std: [1, 1, 1, 1] }, latents };
  }

  const { sampler, guidance } = samplesSchema.parse({ sampler: { steps: 4 } });
  const defaults: DrawOptions = { seed: 1, sampler, guidance };

  async function latentsOf(requests: readonly (typeof red)[], options: Partial<DrawOptions> = {}, text = true) {
    const video = videoModel(text);
    await textToVideo(video, requests, { ...defaults, ...options });
    return video.latents;
  }

  it("draws the same clips from the same seed, others from another", async () => {
    const requests = [red, blue, image];
    const clips = await textToVideo(videoModel(), requests, defaults);
    assert.deepEqual(
      clips.map(({ length }) => length),
      requests.map(({ frames, height, width }) => frames * height * width * 3),
    );
    assert.deepEqual(await textToVideo(videoModel(), requests, defaults), clips);
    const others = await textToVideo(videoModel(), requests, { ...defaults, seed: 2 });
    for (const [i, clip] of clips.entries()) assert.notDeepEqual(others[i], clip);
  });

  it("draws a clip alike whatever is drawn with it", async () => {
    const alone = [...(await latentsOf([red])), ...(await latentsOf([blue])), ...(await latentsOf([image]))];
    const together = await latentsOf([red, blue, image]);
    const reversed = (await latentsOf([image, blue, red])).reverse();
    for (const [i, latent] of alone.entries()) {
      assertClose(together[i], latent, 1e-6);
      assertClose(reversed[i], latent, 1e-6);
    }
  });

  it("draws a prompt that is asked for twice as two clips, the first as if alone", async () => {
    const [one, two] = await latentsOf([red, red]);
    const [alone] = await latentsOf([red]);
    assertClose(one, alone, 1e-6);
    assert.notDeepEqual(two, one);
  });

  it("goes scale times the way from the unprompted to the prompted velocity", async () => {
    const one = { ...sampler, steps: 1 };
    const at = (scale: number) =>
      latentsOf([red], { sampler: one, guidance: guidanceSchema.parse({ scale, rescale: 0 }) });
    const [[unprompted], [prompted], [guided]] = [await at(0), await at(1), await at(3)];
    assert.ok(unprompted !== undefined && prompted !== undefined);
    assert.notDeepEqual(prompted, unprompted);
    assertClose(
      guided,
      unprompted.map((u, i) => u + 3 * ((prompted[i] as number) - u)),
      1e-5,
    );
  });

  it("takes guidance 1 for none: the same clip from half the work", async () => {
    const [none] = await latentsOf([red], { guidance: guidanceSchema.parse({ scale: 1, rescale: 0 }) });
    const [almost] = await latentsOf([red], { guidance: guidanceSchema.parse({ scale: 1 + 1e-9, rescale: 0 }) });
    assertClose(almost, none, 1e-6);
  });

  it("draws an empty prompt as the unprompted clip, guided or not", async () => {
    const [plain] = await latentsOf([image], { guidance: guidanceSchema.parse({ scale: 1, rescale: 0 }) });
    const [guided] = await latentsOf([image], { guidance: guidanceSchema.parse({ scale: 7, rescale: 0 }) });
    assertClose(guided, plain, 1e-6);
  });

  it("draws from a model without text", async () => {
    const [one, two] = await latentsOf([image, { ...red, prompt: "" }], {}, false);
    assert.deepEqual([one?.length, two?.length], [4 * 4 * 4, 2 * 4 * 4 * 4]);
  });

  it("tells of each step, and frees its program in the end", async () => {
    for (const kind of ["euler", "heun"] as const) {
      const told: [number, number][] = [];
      await latentsOf([red], { sampler: { ...sampler, kind, steps: 3 }, onStep: (...step) => told.push(step) });
      assert.deepEqual(told, [
        [1, 3],
        [2, 3],
        [3, 3],
      ]);
    }
    assert.deepEqual(
      [...alive].filter((name) => name.startsWith("denoise")),
      [],
    );
    const { codec } = videoModel();
    alive.clear();
    await codec.decode(new Float32Array(4 * 4 * 4), { t: 1, h: 4, w: 4 });
    assert.ok([...alive].some((name) => name.startsWith("vae decode")));
    await codec.dispose();
    assert.deepEqual([...alive], []);
  });

  it("refuses sizes that the factors do not divide, before it computes", async () => {
    const video = { ...videoModel(), engine: { ...engine, compile: () => assert.fail("compiled") } };
    const draw = (size: object) => textToVideo(video, [blue, { ...red, ...size }], defaults);
    await assert.rejects(
      draw({ height: 30 }),
      /^UserError: vae: expected .* multiples of 4, got 5x30x16; try 5x32x16$/,
    );
    await assert.rejects(draw({ frames: 6 }), /^UserError: vae: expected 1 \+ a multiple of 4 frames/);
  });

  it("cuts a size that only the patch does not divide out of the middle of the next larger one", async () => {
    const video = videoModel();
    const [clip] = (await textToVideo(video, [{ ...red, height: 12, width: 20 }], defaults)) as [Uint8Array];
    assert.equal(clip.length, 5 * 12 * 20 * 3);
    const grid = { t: 2, h: 4, w: 6 };
    const whole = await video.codec.decode(video.latents[0] as Float32Array, grid);
    const at = (frame: number, y: number, x: number) => ((frame * 16 + y) * 24 + x) * 3;
    for (const [frame, y, x] of [
      [0, 0, 0],
      [4, 11, 19],
      [2, 5, 7],
    ] as const) {
      const mine = ((frame * 12 + y) * 20 + x) * 3;
      const theirs = at(frame, y + 2, x + 2);
      assert.deepEqual([...clip.subarray(mine, mine + 3)], [...whole.subarray(theirs, theirs + 3)]);
    }
  });
});

function assertClose(got: Float32Array | undefined, expected: Float32Array | undefined, tolerance: number): void {
  assert.ok(got !== undefined && expected !== undefined);
  assert.equal(got.length, expected.length);
  const worst = Math.max(...got.map((value, i) => Math.abs(value - (expected[i] as number))));
  const scale = Math.max(1, ...expected.map(Math.abs));
  assert.ok(worst <= tolerance * scale, `off by ${worst} of ${scale}`);
}
