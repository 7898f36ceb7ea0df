import type { Scalar } from "@tensorflow/tfjs";
import type { Grid } from "../../base/grid.ts";
import { KeyedRandom } from "../../base/random.ts";
import { floats } from "../../base/tensors.ts";
import { buildDiT, denoiseProgram, ditObjective, type LatentModel } from "../../diffusion/ditPrograms.ts";
import { lossWeights } from "../../diffusion/lossWeights.ts";
import type { Engine } from "../../engine/engine.ts";
import { compileModel, modelSource } from "../../models/compiledModel.ts";
import { ditSchema } from "../../models/dit/ditConfig.ts";
import { PackPlan } from "../../models/patches/pack.ts";
import { declareParams } from "../../nn/params.ts";
import { adamwSchema } from "../../train/adamw.ts";
import { FlatLayout } from "../../train/flatState.ts";
import { gradientSource } from "../../train/gradientProgram.ts";
import { LossScale } from "../../train/lossScale.ts";
import { StateBuffer } from "../../train/stateBuffer.ts";
import { StepRunner } from "../../train/step.ts";
import type { Arrangement } from "../../train/task.ts";
import type { BenchCase } from "./case.ts";
import { randomParams } from "./randomParams.ts";

/** Numbers of a latent cell; patches are single cells. */
const CHANNELS = 64;

interface DitSize {
  readonly name: string;
  readonly width: number;
  readonly heads: number;
  readonly depth: number;
  readonly numClips: number;
  /** Of each clip, in tokens. */
  readonly grid: Grid;
}

/** 4 clips of 256 tokens, 16.5 M parameters. */
export const ditS = ditCase({ name: "dit-s", width: 384, heads: 6, depth: 6, numClips: 4, grid: { t: 4, h: 8, w: 8 } });
/** 4 clips of 512 tokens, 130 M parameters. */
export const ditB = ditCase({
  name: "dit-b",
  width: 768,
  heads: 12,
  depth: 12,
  numClips: 4,
  grid: { t: 8, h: 8, w: 8 },
});
/** 4 clips of 1,024 tokens, 673 M parameters. */
export const ditXl = ditCase({
  name: "dit-xl",
  width: 1152,
  heads: 16,
  depth: 28,
  numClips: 4,
  grid: { t: 16, h: 8, w: 8 },
});

/** A training step of a DiT: loss, gradients, global-norm clip, AdamW and EMA; or one velocity of all clips. */
function ditCase({ name, width, heads, depth, numClips, grid }: DitSize): BenchCase {
  const pack = new PackPlan(Array.from({ length: numClips }, () => grid));
  const model: LatentModel = {
    dit: ditSchema.parse({ kind: "dit", width, heads, depth, mlpRatio: 4, patch: [1, 1, 1], text: { kind: "none" } }),
    latentChannels: CHANNELS,
    prediction: "v",
  };
  const layout = () => new FlatLayout(declareParams((p) => buildDiT(model, p)));
  const arrangement = arrangementOf(name, model, pack);
  const size = `width ${width}, ${heads} heads, depth ${depth}`;
  const clips = `${numClips} clips of ${pack.numTokens / numClips} tokens, ${CHANNELS} channels`;
  return {
    describe: {
      train: `training step of a DiT: ${size}, ${clips}`,
      forward: `forward pass of a DiT: ${size}, ${clips}`,
    },
    source: (mode) => {
      if (mode === "train") return gradientSource(layout(), arrangement);
      const shapes = layout().slots.map(({ path, shape }) => [path, { shape, dtype: "float32" }] as const);
      return modelSource(`forward ${name}`, denoiseProgram(model, pack), Object.fromEntries(shapes));
    },
    prepare: (engine, mode) =>
      mode === "train"
        ? trainingStep(engine, layout(), arrangement, inputsOf(pack))
        : forwardPass(engine, name, model, pack, layout()),
  };
}

async function trainingStep(
  engine: Engine,
  layout: FlatLayout,
  arrangement: Arrangement,
  inputs: ReturnType<typeof inputsOf>,
): Promise<() => Promise<void>> {
  const params = randomParams(layout);
  const place = (values?: Float32Array) => StateBuffer.place(engine, layout, values);
  const runner = await StepRunner.create({
    engine,
    layout,
    buffers: {
      ema: await place(params.slice()),
      params: await place(params),
      moment1: await place(),
      moment2: await place(),
    },
    optim: adamwSchema.parse({}),
    numSteps: 1_000_000,
    numParts: 1,
    lossScale: LossScale.for(engine),
    onCompiled: () => {},
  });
  const batch = { arrangement, inputs, numClips: 0, numTokens: 0, epochs: {}, cursor: null };
  let step = 0;
  return async () => {
    step++;
    await runner.step(step, [batch]);
  };
}

async function forwardPass(
  engine: Engine,
  name: string,
  model: LatentModel,
  pack: PackPlan,
  layout: FlatLayout,
): Promise<() => Promise<void>> {
  const weights = await engine.place(layout.views(randomParams(layout)));
  const compiled = await compileModel(engine, `forward ${name}`, denoiseProgram(model, pack), weights);
  const { x0_LP, t_F } = inputsOf(pack);
  const binding = compiled.bind({ x_LP: x0_LP, t_F });
  return () => binding.run();
}

function arrangementOf(key: string, model: LatentModel, pack: PackPlan): Arrangement {
  const { inputs, fn } = ditObjective(model, pack);
  return { key, signature: inputs, loss: (p, batch) => ({ loss: fn(p, batch).loss as Scalar, aux: {} }) };
}

function inputsOf(pack: PackPlan) {
  const normal = (purpose: string) => {
    const tensor = floats([pack.numTokens, CHANNELS]);
    new KeyedRandom(0, purpose).fillNormal(tensor.data);
    return tensor;
  };
  const t_F = floats([pack.numFrames]);
  new KeyedRandom(0, "bench time").fillUniform(t_F.data);
  return {
    x0_LP: normal("bench latents"),
    eps_LP: normal("bench noise"),
    t_F,
    weight_F: floats([pack.numFrames], lossWeights(pack, "token")),
  };
}
