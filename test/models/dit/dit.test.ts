import assert from "node:assert/strict";
import type { Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { DiT } from "../../../src/models/dit/dit.ts";
import { ditSchema } from "../../../src/models/dit/ditConfig.ts";
import { PackPlan } from "../../../src/models/patches/pack.ts";
import { encodeText } from "../../../src/models/text/bytes.ts";
import { bindParams, type Params } from "../../../src/nn/params.ts";
import { assertClose, randomParams, randomTensor } from "../../nn/numeric.ts";

const cfg = ditSchema.parse({
  kind: "dit",
  width: 24,
  depth: 2,
  heads: 2,
  patch: [1, 1, 1],
  text: { kind: "bytes", width: 8, depth: 1, heads: 2, maxTokens: 8, prefixBuckets: 0 },
});
const pack = new PackPlan([
  { t: 3, h: 2, w: 4 },
  { t: 2, h: 3, w: 4 },
  { t: 2, h: 2, w: 3 },
  { t: 1, h: 2, w: 2 },
]);
const build = (p: Params) => new DiT(cfg, 5, p);
const tensors = randomParams(build);
const texts = ["red", "blue", "", "a dot"].map((caption) => [...encodeText(caption, 8).ids]);
const all = {
  x_LP: randomTensor<Tensor2D>("x", [pack.numTokens, 5]),
  t_F: tf.sigmoid(randomTensor<Tensor1D>("t", [pack.numFrames])),
  text_CR: tf.tensor2d(texts, [4, 8], "int32"),
};

describe("DiT", () => {
  it("conditions each latent frame by its own time", () => {
    const times = all.t_F.dataSync().slice();
    times[1] = 0;
    const model = build(bindParams({ ...tensors, ...zeroAttention() }));
    const before = model.call(all, pack.open());
    const after = model.call({ ...all, t_F: tf.tensor1d(times) }, pack.open());
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
    assertClose(build(bindParams(fresh)).call(all, pack.open()), new Float32Array(pack.numTokens * 5), 0);
  });

  it("names heads that do not divide the width", () => {
    assert.throws(
      () => new DiT({ ...cfg, heads: 7 }, 5, bindParams(tensors)),
      /width 24 is not divisible by heads 7; try heads [68]/,
    );
  });
});
