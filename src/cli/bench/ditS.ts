import type { Scalar } from "@tensorflow/tfjs";
import { KeyedRandom } from "../../base/random.ts";
import { floats } from "../../base/tensors.ts";
import { buildDiT, ditObjective, type LatentModel } from "../../diffusion/ditPrograms.ts";
import { lossWeights } from "../../diffusion/lossWeights.ts";
import { ditSchema } from "../../models/dit/dit.ts";
import { PackPlan } from "../../models/patches/pack.ts";
import { declareParams } from "../../nn/params.ts";
import { adamwSchema } from "../../train/adamw.ts";
import { FlatLayout } from "../../train/flatState.ts";
import { StateBuffer } from "../../train/stateBuffer.ts";
import { StepRunner } from "../../train/step.ts";
import type { BenchCase } from "./case.ts";
import { randomParams } from "./randomParams.ts";

const model: LatentModel = {
  dit: ditSchema.parse({
    kind: "dit",
    width: 384,
    heads: 6,
    depth: 6,
    mlpRatio: 4,
    patch: [1, 1, 1],
    placeFeatures: 0,
    text: { kind: "none" },
  }),
  latentChannels: 64,
  prediction: "v",
};

/** 4 clips of 256 tokens. */
const pack = new PackPlan(Array.from({ length: 4 }, () => ({ t: 4, h: 8, w: 8 })));

/** A training step of a small DiT, 16.5 M parameters: loss, gradients, global-norm clip, AdamW and EMA. */
export const ditS: BenchCase = {
  describe: "training step of a DiT: width 384, 6 heads, depth 6, 4 clips of 256 tokens, 64 channels",
  async prepare(engine) {
    const layout = new FlatLayout(declareParams((p) => buildDiT(model, p)));
    const params = randomParams(layout);
    const place = (values?: Float32Array) => StateBuffer.place(engine, layout, values);
    const buffers = {
      params: await place(params),
      ema: await place(params.slice()),
      moment1: await place(),
      moment2: await place(),
    };
    const runner = await StepRunner.create({
      engine,
      layout,
      buffers,
      optim: adamwSchema.parse({}),
      numSteps: 1_000_000,
      numParts: 1,
      onCompiled: () => {},
    });
    const batch = makeBatch();
    let step = 0;
    return async () => {
      step++;
      await runner.step(step, [batch]);
    };
  },
};

function makeBatch() {
  const { inputs, fn } = ditObjective(model, pack);
  const shape = [pack.numTokens, model.latentChannels];
  const normal = (purpose: string) => {
    const tensor = floats(shape);
    new KeyedRandom(0, purpose).fillNormal(tensor.data);
    return tensor;
  };
  const t_F = floats([pack.numFrames]);
  new KeyedRandom(0, "bench time").fillUniform(t_F.data);
  return {
    arrangement: {
      key: "dit-s",
      signature: inputs,
      loss: (p: Parameters<typeof fn>[0], batch: Parameters<typeof fn>[1]) => ({
        loss: fn(p, batch).loss as Scalar,
        aux: {},
      }),
    },
    inputs: {
      x0_LP: normal("bench latents"),
      eps_LP: normal("bench noise"),
      t_F,
      weight_F: floats([pack.numFrames], lossWeights(pack, "token")),
    },
    numClips: pack.numClips,
    numTokens: pack.numTokens,
    cursor: null,
    epochs: {},
  };
}
