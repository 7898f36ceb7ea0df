import assert from "node:assert/strict";
import type { Scalar, Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { Grid } from "../../src/base/grid.ts";
import { buildDiT, denoiseProgram, ditObjective, type LatentModel } from "../../src/diffusion/ditPrograms.ts";
import { ditSchema } from "../../src/models/dit/ditConfig.ts";
import { PackPlan } from "../../src/models/patches/pack.ts";
import { encodeText, unconditionalText } from "../../src/models/text/bytes.ts";
import { bindParams, declareParams } from "../../src/nn/params.ts";
import { type GoldenTensor, goldenTensor, goldenTensors, readGolden } from "../goldens/golden.ts";
import { assertClose, assertFiniteDifferences, gradients, randomParams, randomTensor } from "../nn/numeric.ts";

interface DiTGolden {
  grids: Grid[];
  texts: string[];
  ids: number[][];
  weights: Record<string, GoldenTensor>;
  inputs: Record<string, GoldenTensor>;
  output_LP: GoldenTensor;
  frameLoss_F: GoldenTensor;
  loss: { v: number; x0: number };
  gradients: Record<string, GoldenTensor>;
}

const text = { kind: "bytes", width: 8, depth: 1, heads: 2, maxTokens: 7, prefixBuckets: 0 };
const dit = ditSchema.parse({
  kind: "dit",
  width: 16,
  depth: 2,
  heads: 2,
  mlpRatio: 2,
  patch: [1, 2, 1],
  placeFeatures: 12,
  inputSkip: true,
  text,
});
const model: LatentModel = { dit, latentChannels: 3, prediction: "v" };

describe("DiT programs against PyTorch", () => {
  const golden = readGolden<DiTGolden>("dit");
  const pack = new PackPlan(golden.grids);
  const weights = goldenTensors(golden.weights);
  const inputs: Record<string, Tensor> = {
    ...goldenTensors(golden.inputs),
    text_CR: tf.tensor2d(golden.ids, [4, 7], "int32"),
  };

  it("declares the parameters of the reference, no more and no fewer", () => {
    const declared = declareParams((p) => buildDiT(model, p)).map(({ path, shape }) => `${path} ${shape}`);
    const expected = Object.entries(golden.weights).map(([path, { shape }]) => `${path} ${shape}`);
    assert.deepEqual(declared.sort(), expected.sort());
  });

  it("encodes the texts of the reference", () => {
    const ids = golden.texts.map((line, i) => (i === 2 ? unconditionalText(7) : encodeText(line, 7)));
    assert.deepEqual(
      ids.map((row) => [...row.ids]),
      golden.ids,
    );
  });

  it("gives the same loss, frame losses and gradients", () => {
    const { fn } = ditObjective(model, pack);
    const { value, grads } = gradients((p) => fn(p, inputs).loss as Scalar, weights);
    assertClose([value], [golden.loss.v], 1e-5, "loss");
    assertClose(fn(bindParams(weights), inputs).frameLoss_F as Tensor, goldenTensor(golden.frameLoss_F), 1e-5);
    for (const [name, expected] of Object.entries(golden.gradients)) {
      assertClose(grads[name] as Tensor, goldenTensor(expected), 1e-4, name, 1e-3);
    }
  });

  it("turns a clean-latent prediction into a velocity", () => {
    const { fn } = ditObjective({ ...model, prediction: "x0" }, pack);
    assertClose((fn(bindParams(weights), inputs).loss as Tensor).dataSync(), [golden.loss.x0], 1e-5);
  });

  it("denoises what the objective noises", () => {
    const t_L1 = tf.gather(inputs.t_F as Tensor, tf.tensor1d(pack.frameOfToken, "int32")).reshape([-1, 1]);
    const x_LP = tf.add((inputs.x0_LP as Tensor).mul(tf.sub(1, t_L1)), (inputs.eps_LP as Tensor).mul(t_L1));
    const { fn } = denoiseProgram(model, pack);
    const { v_LP } = fn(bindParams(weights), {
      x_LP,
      t_F: inputs.t_F as Tensor,
      text_CR: inputs.text_CR as Tensor,
    });
    assertClose(v_LP as Tensor, goldenTensor(golden.output_LP), 1e-5);
  });
});

describe("DiT programs", () => {
  const pack = new PackPlan([
    { t: 2, h: 2, w: 2 },
    { t: 1, h: 2, w: 3 },
  ]);
  const inputs = {
    x0_LP: randomTensor("x0", [14, 6]),
    eps_LP: randomTensor("eps", [14, 6]),
    t_F: tf.tensor1d([0.2, 0.7, 0.9]),
    weight_F: tf.tensor1d([0.3, 0.4, 0.3]),
    text_CR: tf.tensor2d([...encodeText("a", 7).ids, ...encodeText("bcd", 7).ids], [2, 7], "int32"),
  };

  for (const prediction of ["v", "x0"] as const) {
    it(`has the gradient that finite differences have, predicting ${prediction}`, () => {
      const shallow: LatentModel = { ...model, dit: { ...dit, depth: 1 }, prediction };
      const { fn } = ditObjective(shallow, pack);
      assertFiniteDifferences(
        (p) => fn(p, inputs).loss as Scalar,
        randomParams((p) => buildDiT(shallow, p)),
      );
    });
  }

  it("names the shape and type of each input", () => {
    assert.deepEqual(ditObjective(model, pack).inputs, {
      x0_LP: { shape: [14, 6], dtype: "float32" },
      eps_LP: { shape: [14, 6], dtype: "float32" },
      t_F: { shape: [3], dtype: "float32" },
      weight_F: { shape: [3], dtype: "float32" },
      text_CR: { shape: [2, 7], dtype: "int32" },
    });
  });

  it("takes no text where the model has none", () => {
    const silent: LatentModel = { ...model, dit: { ...dit, text: { kind: "none" } } };
    const { inputs: signature, fn } = denoiseProgram(silent, pack);
    assert.deepEqual(Object.keys(signature), ["x_LP", "t_F"]);
    const params = bindParams(randomParams((p) => buildDiT(silent, p)));
    const { x0_LP: x_LP, t_F, text_CR } = inputs;
    assert.deepEqual((fn(params, { x_LP, t_F }).v_LP as Tensor).shape, [14, 6]);
    assert.throws(() => fn(params, { x_LP, t_F, text_CR }), /dit\.text: expected no prompts/);
  });
});
