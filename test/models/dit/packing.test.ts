import assert from "node:assert/strict";
import type { Scalar, Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { DiT, ditSchema } from "../../../src/models/dit/dit.ts";
import { PackPlan } from "../../../src/models/patches/pack.ts";
import { encodeText } from "../../../src/models/text/bytes.ts";
import { bindParams, type Params } from "../../../src/nn/params.ts";
import { assertClose, gradients, randomParams, randomTensor } from "../../nn/numeric.ts";

const cfg = ditSchema.parse({
  kind: "dit",
  width: 24,
  depth: 2,
  heads: 2,
  patch: [1, 1, 1],
  text: { kind: "bytes", width: 8, depth: 1, heads: 2, maxTokens: 8, prefixBuckets: 0 },
});
const grids = [
  { t: 3, h: 2, w: 4 },
  { t: 2, h: 3, w: 4 },
  { t: 2, h: 2, w: 3 },
  { t: 1, h: 2, w: 2 },
];
const captions = ["red", "blue", "", "a dot"];
const pack = new PackPlan(grids);
const build = (p: Params) => new DiT(cfg, 5, p);
const tensors = randomParams(build);
const texts = captions.map((caption) => [...encodeText(caption, 8).ids]);
const all = {
  x_LP: randomTensor<Tensor2D>("x", [pack.numTokens, 5]),
  t_F: tf.sigmoid(randomTensor<Tensor1D>("t", [pack.numFrames])),
  text_CR: tf.tensor2d(texts, [4, 8], "int32"),
};

/** The inputs of one clip, taken out of the pack's. */
function alone(clip: number): { inputs: typeof all; plan: PackPlan } {
  const { grid, firstToken, numTokens, firstFrame } = pack.clips[clip] as (typeof pack.clips)[number];
  const inputs = {
    x_LP: tf.slice(all.x_LP, [firstToken, 0], [numTokens, 5]),
    t_F: tf.slice(all.t_F, [firstFrame], [grid.t]),
    text_CR: tf.slice(all.text_CR, [clip, 0], [1, 8]),
  };
  return { inputs, plan: new PackPlan([grid]) };
}

const rowsOf = (x_LP: Tensor, clip: number): Tensor => {
  const { firstToken, numTokens } = pack.clips[clip] as (typeof pack.clips)[number];
  return tf.slice(x_LP, [firstToken, 0], [numTokens, 5]);
};

describe("packing clips", () => {
  const packed_LP = build(bindParams(tensors)).call(all, pack);

  it("gives every clip what it gets alone", () => {
    for (const clip of grids.keys()) {
      const { inputs, plan } = alone(clip);
      assertClose(rowsOf(packed_LP, clip), build(bindParams(tensors)).call(inputs, plan), 1e-6, `clip ${clip}`);
    }
  });

  it("gives every parameter the sum of the gradients that the clips give alone", () => {
    const energy = (p: Params, inputs: typeof all, plan: PackPlan) =>
      build(p).call(inputs, plan).square().sum().div(1000) as Scalar;
    const together = gradients((p) => energy(p, all, pack), tensors).grads;
    const apart = grids.map((_, clip) => {
      const { inputs, plan } = alone(clip);
      return gradients((p) => energy(p, inputs, plan), tensors).grads;
    });
    for (const [name, grad] of Object.entries(together)) {
      assertClose(grad, tf.addN(apart.map((grads) => grads[name] as Tensor)), 2e-5, name, 1e-2);
    }
  });

  it("lets no clip see another: changing one leaves the others' bits alone", () => {
    for (const changed of grids.keys()) {
      const { firstToken, numTokens, grid, firstFrame } = pack.clips[changed] as (typeof pack.clips)[number];
      const inSpan = (i: number, first: number, count: number) => (i >= first && i < first + count ? 1 : 0);
      const rows = tf.tensor1d(Array.from({ length: pack.numTokens }, (_, i) => inSpan(i, firstToken, numTokens)));
      const frames = tf.tensor1d(Array.from({ length: pack.numFrames }, (_, i) => inSpan(i, firstFrame, grid.t)));
      const other = {
        x_LP: all.x_LP.add(rows.reshape([-1, 1])) as Tensor2D,
        t_F: all.t_F.mul(tf.sub(1, frames.mul(0.5))) as Tensor1D,
        text_CR: tf.tensor2d(
          texts.map((ids, clip) => (clip === changed ? [...encodeText("green", 8).ids] : ids)),
          [4, 8],
          "int32",
        ),
      };
      const changed_LP = build(bindParams(tensors)).call(other, pack);
      for (const clip of grids.keys()) {
        const same = tf.equal(rowsOf(packed_LP, clip), rowsOf(changed_LP, clip)).all().dataSync()[0] === 1;
        assert.equal(same, clip !== changed, `clip ${clip} when clip ${changed} changes`);
      }
    }
  });

  it("conditions each latent frame by its own time", () => {
    const times = all.t_F.dataSync().slice();
    times[1] = 0;
    const model = build(bindParams({ ...tensors, ...zeroAttention() }));
    const before = model.call(all, pack);
    const after = model.call({ ...all, t_F: tf.tensor1d(times) }, pack);
    const moved = before.notEqual(after).any(1).dataSync();
    assert.deepEqual(
      [...moved].flatMap((is, token) => (is ? [token] : [])),
      [...pack.frameOfToken].flatMap((frame, token) => (frame === 1 ? [token] : [])),
    );
  });
});

/** Attention outputs at zero, so that frames do not mix. */
function zeroAttention(): Record<string, Tensor> {
  const outputs = Object.keys(tensors).filter((path) => /attn\.out\.weight$/.test(path));
  return Object.fromEntries(outputs.map((path) => [path, tf.zerosLike(tensors[path] as Tensor)]));
}

describe("a new DiT", () => {
  it("starts with every block an identity and an output of zero", () => {
    const fresh = { ...tensors };
    for (const path of Object.keys(fresh)) {
      if (/adaLN|^out|crossAttn\.out/.test(path)) fresh[path] = tf.zerosLike(fresh[path] as Tensor);
    }
    assertClose(build(bindParams(fresh)).call(all, pack), new Float32Array(pack.numTokens * 5), 0);
  });

  it("names heads that do not divide the width", () => {
    assert.throws(
      () => new DiT({ ...cfg, heads: 7 }, 5, bindParams(tensors)),
      /width 24 is not divisible by heads 7; try heads [68]/,
    );
  });
});
