import assert from "node:assert/strict";
import type { Scalar, Tensor, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { Vae } from "../../../src/models/vae/vae.ts";
import { clipGrid, latentGrid, vaeFactor, vaeSchema } from "../../../src/models/vae/vaeConfig.ts";
import { vaeLossSchema } from "../../../src/models/vae/vaeLoss.ts";
import { vaeDecodeProgram, vaeEncodeProgram, vaeObjective } from "../../../src/models/vae/vaePrograms.ts";
import { bindParams, declareParams, type Params } from "../../../src/nn/params.ts";
import { type GoldenTensor, goldenTensor, goldenTensors, readGolden } from "../../goldens/golden.ts";
import { assertClose, assertFiniteDifferences, gradients, randomParams, randomTensor } from "../../nn/numeric.ts";

interface VaeGolden {
  levels: unknown[];
  weights: Record<string, GoldenTensor>;
  inputs: Record<string, GoldenTensor>;
  mean_Bthwz: GoldenTensor;
  logvar_Bthwz: GoldenTensor;
  decoded_BTHWC: GoldenTensor;
  terms: Record<string, number>;
  pixelTerms: Record<"l1" | "l2" | "charbonnier", number>;
  gradients: Record<string, GoldenTensor>;
}

const golden = readGolden<VaeGolden>("vae");
const cfg = vaeSchema.parse({ kind: "causal-conv", latentChannels: 3, levels: golden.levels });
const loss = vaeLossSchema.parse({ squared: 3, gradient: 0.5, kl: 0.1, foreground: 2 });
const batch = { numClips: 2, clip: { t: 5, h: 8, w: 12 } };
const build = (p: Params) => new Vae(cfg, p);
const weights = goldenTensors(golden.weights);
const inputs = goldenTensors(golden.inputs);

describe("Vae against PyTorch", () => {
  it("declares the parameters of the reference, no more and no fewer", () => {
    const declared = declareParams(build).map(({ path, shape }) => `${path} ${shape}`);
    const expected = Object.entries(golden.weights).map(([path, { shape }]) => `${path} ${shape}`);
    assert.deepEqual(declared.sort(), expected.sort());
  });

  it("encodes and decodes the same", () => {
    const encoded = vaeEncodeProgram(cfg, batch).fn(bindParams(weights), inputs);
    assertClose(encoded.mean_Bthwz as Tensor, goldenTensor(golden.mean_Bthwz), 1e-5);
    assertClose(encoded.logvar_Bthwz as Tensor, goldenTensor(golden.logvar_Bthwz), 1e-5);
    const z_Bthwz = goldenTensor(golden.mean_Bthwz);
    const { video_BTHWC } = vaeDecodeProgram(cfg, batch).fn(bindParams(weights), { z_Bthwz });
    assertClose(video_BTHWC as Tensor, goldenTensor(golden.decoded_BTHWC).clipByValue(-1, 1), 1e-5);
  });

  it("gives the same loss terms and gradients", () => {
    const { fn } = vaeObjective(cfg, loss, batch);
    const terms = fn(bindParams(weights), inputs);
    for (const [name, expected] of Object.entries(golden.terms)) {
      assertClose(terms[name] as Tensor, [expected], 1e-5, name);
    }
    const { grads } = gradients((p) => fn(p, inputs).loss as Scalar, weights);
    for (const [name, expected] of Object.entries(golden.gradients)) {
      assertClose(grads[name] as Tensor, goldenTensor(expected), 1e-4, name, 1e-3);
    }
  });

  it("reduces each penalty of pixels to a mean", () => {
    for (const pixel of ["l1", "l2", "charbonnier"] as const) {
      const { fn } = vaeObjective(cfg, { pixel, squared: 0, gradient: 0, kl: 0, foreground: 0 }, batch);
      const terms = fn(bindParams(weights), inputs);
      assert.deepEqual(Object.keys(terms), ["loss", "pixel", "psnr"]);
      assertClose(terms.loss as Tensor, [golden.pixelTerms[pixel]], 1e-5, pixel);
    }
  });
});

describe("Vae", () => {
  const tensors = randomParams(build);
  const model = build(bindParams(tensors));
  const video = randomTensor<Tensor5D>("video", [1, 9, 8, 8, 3], 0.5);
  const frames = (x: Tensor, first: number, count: number) =>
    tf.slice(x, [0, first, 0, 0, 0], [1, count, ...x.shape.slice(2)]) as Tensor5D;
  const sameBits = (a: Tensor, b: Tensor) => tf.equal(a, b).all().dataSync()[0] === 1;

  it("lets no later frame change an earlier latent", () => {
    const changed = tf.concat([frames(video, 0, 5), frames(video, 5, 4).add(1)], 1) as Tensor5D;
    const [before, after] = [model.encode(video).mean, model.encode(changed).mean];
    assert.ok(sameBits(frames(before, 0, 2), frames(after, 0, 2)));
    assert.ok(!sameBits(frames(before, 2, 1), frames(after, 2, 1)));
  });

  it("lets no later latent change an earlier frame", () => {
    const z = randomTensor<Tensor5D>("z", [1, 3, 2, 2, 3]);
    const changed = tf.concat([frames(z, 0, 2), frames(z, 2, 1).add(1)], 1) as Tensor5D;
    const [before, after] = [model.decode(z), model.decode(changed)];
    assert.deepEqual(before.shape, [1, 9, 8, 8, 3]);
    assert.ok(sameBits(frames(before, 0, 5), frames(after, 0, 5)));
    assert.ok(!sameBits(frames(before, 5, 4), frames(after, 5, 4)));
  });

  it("takes an image as a clip of one frame", () => {
    const image = model.encode(frames(video, 0, 1)).mean;
    assert.deepEqual(image.shape, [1, 1, 2, 2, 3]);
    assert.ok(sameBits(image, frames(model.encode(video).mean, 0, 1)));
    assert.deepEqual(model.decode(image).shape, [1, 1, 8, 8, 3]);
  });

  it("has the gradient that finite differences have", () => {
    const { fn } = vaeObjective(cfg, { ...loss, pixel: "l2", gradient: 0 }, batch);
    assertFiniteDifferences((p) => fn(p, inputs).loss as Scalar, tensors);
  });

  it("stays finite and learns where a log variance has run away, though exp of it would overflow", () => {
    const bias = tensors["encoder.out.bias"] as Tensor;
    const away = { ...tensors, "encoder.out.bias": tf.concat([tf.zeros([3]), tf.fill([3], 160)]) };
    assert.deepEqual(bias.shape, [6]);
    const { logvar } = build(bindParams(away)).encode(video);
    assertClose(logvar.max(), tf.log(tf.add(model.encode(video).logvar.max(), 161)), 0.1);
    const { value, grads } = gradients((p) => vaeObjective(cfg, loss, batch).fn(p, inputs).loss as Scalar, away);
    assert.ok(Number.isFinite(value));
    const slope = (grads["encoder.out.bias"] as Tensor).dataSync().slice(3);
    assert.ok(
      slope.every((x) => Number.isFinite(x) && x > 1e-6),
      `pushed down: ${slope}`,
    );
  });

  it("counts frames as 1 + k and names clips that do not fit", () => {
    const factor = vaeFactor(cfg);
    assert.deepEqual(factor, [4, 4]);
    assert.deepEqual(latentGrid({ t: 9, h: 8, w: 12 }, factor), { t: 3, h: 2, w: 3 });
    assert.deepEqual(clipGrid({ t: 3, h: 2, w: 3 }, factor), { t: 9, h: 8, w: 12 });
    assert.throws(
      () => latentGrid({ t: 8, h: 9, w: 12 }, factor),
      /vae: expected 1 \+ a multiple of 4 frames, height and width multiples of 4, got 8x9x12; try 9x8x12/,
    );
  });
});
