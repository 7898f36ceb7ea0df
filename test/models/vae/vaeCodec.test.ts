import assert from "node:assert/strict";
import type { Grid } from "../../../src/base/grid.ts";
import { floats } from "../../../src/base/tensors.ts";
import { createEagerEngine } from "../../../src/engine/eager/eagerEngine.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { createOnnxEngine } from "../../../src/engine/runtime/onnxEngine.ts";
import { withCompile } from "../../../src/engine/withCompile.ts";
import { compileModel } from "../../../src/models/compiledModel.ts";
import { decoding } from "../../../src/models/vae/chunkPrograms.ts";
import { clipStream } from "../../../src/models/vae/clipStream.ts";
import { CodecPrograms } from "../../../src/models/vae/codecPrograms.ts";
import { toSigned } from "../../../src/models/vae/colour.ts";
import { VaeCodec } from "../../../src/models/vae/vaeCodec.ts";
import { clipGrid, latentGrid, type VaeConfig, vaeFactor, vaeSchema } from "../../../src/models/vae/vaeConfig.ts";
import { vaeDecodeProgram, vaeEncodeProgram } from "../../../src/models/vae/vaePrograms.ts";
import { assertClose } from "../../nn/numeric.ts";
import { liveWeights, noiseBytes, twoLevels } from "./codecSetting.ts";

/** As the quickstart's, with fewer channels. */
const oneLevel = vaeSchema.parse({
  kind: "causal-conv",
  latentChannels: 8,
  levels: [{ down: [4, 4], channels: 32, blocks: 2 }],
});

/** What the training programs make of a whole clip at once: posterior means, and those decoded. */
async function wholePass(engine: Engine, cfg: VaeConfig, bytes: Uint8Array, clip: Grid) {
  const weights = liveWeights(cfg);
  const grid = latentGrid(clip, vaeFactor(cfg));
  const video_BTHWC = floats([1, clip.t, clip.h, clip.w, 3]);
  toSigned(bytes, video_BTHWC.data);
  const encoder = await compileModel(engine, "whole", vaeEncodeProgram(cfg, { numClips: 1, clip }), weights);
  const encoded = encoder.bind({ video_BTHWC });
  await encoded.run();
  const latent = Float32Array.from(encoded.outputs.mean_Bthwz?.data as Float32Array);
  const decoder = await compileModel(engine, "whole", vaeDecodeProgram(cfg, { numClips: 1, clip }), weights);
  const decoded = decoder.bind({ z_Bthwz: floats([1, grid.t, grid.h, grid.w, cfg.latentChannels], latent) });
  await decoded.run();
  const video = Float32Array.from(decoded.outputs.video_BTHWC?.data as Float32Array);
  await encoder.dispose();
  await decoder.dispose();
  return { latent, grid, video };
}

/** The same in arrays of 1, 2, 3, 1, 2, 3 ... frames. */
function* inPieces<A extends Uint8Array | Float32Array>(frames: A, frameSize: number): Generator<A> {
  for (let first = 0, i = 0; first < frames.length; i++) {
    const end = Math.min(frames.length, first + ((i % 3) + 1) * frameSize);
    yield frames.slice(first, end) as A;
    first = end;
  }
}

async function joined(parts: AsyncIterable<Float32Array>): Promise<{ values: number[]; numParts: number }> {
  const values: number[] = [];
  let numParts = 0;
  for await (const part of parts) {
    for (const value of part) values.push(value);
    numParts++;
  }
  return { values, numParts };
}

const engines = [
  // Which kernel computes a product depends on its size, and they differ in the order of sums.
  { name: "native", tolerance: 1e-6, create: () => createOnnxEngine({ threads: 1 }) },
  { name: "ONNX Runtime's kernels", tolerance: 0, create: () => createOnnxEngine({ threads: 1, kernels: "ort" }) },
  { name: "cpu", tolerance: 0, create: () => createEagerEngine("cpu") },
] as const;

for (const { name, tolerance, create } of engines) {
  describe(`VaeCodec on ${name}: in parts as whole`, () => {
    let engine: Engine;
    before(async () => {
      engine = await create();
    });
    after(() => engine.dispose());

    async function check(cfg: VaeConfig, clip: Grid, chunkPixels: number, tolerance: number) {
      const bytes = noiseBytes(clip.t * clip.h * clip.w * 3);
      const whole = await wholePass(engine, cfg, bytes, clip);
      const codec = new VaeCodec(engine, cfg, liveWeights(cfg), chunkPixels);
      const what = `${clip.t} frames of ${clip.h}x${clip.w}`;
      assertClose(await codec.encode(bytes, clip), whole.latent, tolerance, `${what} encoded`);
      const encoded = await joined(codec.encodeStream(inPieces(bytes, clip.h * clip.w * 3), clip));
      assertClose(encoded.values, whole.latent, tolerance, `${what} encoded as they come`);
      const programs = new CodecPrograms(engine, cfg, liveWeights(cfg));
      const pieces = inPieces(whole.latent, whole.latent.length / whole.grid.t);
      const decoded = await joined(clipStream(programs, decoding, pieces, whole.grid, { chunkPixels }));
      assertClose(decoded.values, whole.video, tolerance, `${what} decoded as they come`);
      const bytesBack = await codec.decode(whole.latent, whole.grid);
      const furthest = whole.video.reduce((most, value, i) => {
        return Math.max(most, Math.abs((value + 1) * 127.5 - (bytesBack[i] as number)));
      }, 0);
      assert.ok(furthest <= 0.5 + 1e-3, `${what} decoded: off by ${furthest} of a byte`);
      await codec.dispose();
      await programs.dispose();
      return encoded.numParts;
    }

    it("for 1 to 4 times the training length, one latent frame at a time", async () => {
      for (const t of [1, 5, 13, 49]) {
        assert.equal(await check(twoLevels, { t, h: 8, w: 12 }, 1, tolerance), 1 + (t - 1) / 4);
      }
    });

    it("for chunks of three latent frames, the last of which may lack some", async () => {
      for (const t of [13, 49]) {
        const numChunks = Math.ceil((1 + (t - 1) / 4) / 3);
        assert.equal(await check(oneLevel, { t, h: 16, w: 16 }, 3 * 4 * 16 * 16, tolerance), numChunks);
      }
    });

    it("for frames in tiles", async () => {
      await check(twoLevels, { t: 5, h: 96, w: 64 }, 4 * 48 * 48, 10 * tolerance);
      await check(twoLevels, { t: 9, h: 16, w: 144 }, 4 * 16 * 70, 10 * tolerance);
    });
  });
}

describe("VaeCodec", () => {
  const compiled: string[] = [];
  let engine: Engine;
  before(async () => {
    const inner = await createOnnxEngine({ threads: 1 });
    engine = withCompile(inner, (name, ...rest) => {
      compiled.push(name);
      return inner.compile(name, ...rest);
    });
  });
  after(() => engine.dispose());

  const size = { h: 8, w: 8 };
  const codecOf = () => new VaeCodec(engine, twoLevels, liveWeights(twoLevels), 2 * 4 * 64);
  const frames = (count: number) => inPieces(noiseBytes(count * 64 * 3), 64 * 3);

  it("computes a clip of any length with the same two programs", async () => {
    const codec = codecOf();
    await joined(codec.encodeStream(frames(9), size));
    compiled.length = 0;
    assert.equal((await joined(codec.encodeStream(frames(401), size))).numParts, 51);
    assert.deepEqual(compiled, []);
    await codec.dispose();
  });

  it("keeps streams that take turns apart", async () => {
    const codec = codecOf();
    const latents = [noiseLatents(7, 1), noiseLatents(5, 2)];
    const apart: Uint8Array[][] = [];
    for (const latent of latents) apart.push(await all(codec.decodeStream([latent], { h: 2, w: 2 })));
    const [one, two] = latents.map((latent) => codec.decodeStream([latent], { h: 2, w: 2 }));
    assert.ok(one !== undefined && two !== undefined);
    const together: Uint8Array[][] = [[], []];
    for (let more = true; more; ) {
      const [a, b] = await Promise.all([one.next(), two.next()]);
      if (a.value) together[0]?.push(a.value);
      if (b.value) together[1]?.push(b.value);
      more = !(a.done && b.done);
    }
    assert.deepEqual(together, apart);
    await codec.dispose();
  });

  it("gives the frames of what has come before more comes", async () => {
    const codec = codecOf();
    let given = 0;
    const slowly = async function* () {
      for (; given < 10; ) {
        given++;
        yield noiseLatents(1, given);
      }
    };
    const stream = codec.decodeStream(slowly(), { h: 2, w: 2 });
    const first = await stream.next();
    assert.equal(given, 2);
    assert.equal(first.value?.length, clipGrid({ t: 2, h: 2, w: 2 }, [4, 4]).t * 64 * 3);
    await stream.return();
    await codec.dispose();
  });

  it("names frames that do not come out even", async () => {
    const codec = codecOf();
    await assert.rejects(
      joined(codec.encodeStream(frames(12), size)),
      /vae: expected 1 \+ a multiple of 4 frames, got 3 more than that/,
    );
    assert.throws(() => codec.encodeStream(frames(1), { h: 8, w: 9 }), /height and width multiples of 4/);
    await codec.dispose();
  });
});

function noiseLatents(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count * 2 * 2 * 4 }, (_, i) => Math.sin(seed + i * 1.7));
}

async function all(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const list: Uint8Array[] = [];
  for await (const part of parts) list.push(part);
  return list;
}
