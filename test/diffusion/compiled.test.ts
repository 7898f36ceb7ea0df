import * as tf from "@tensorflow/tfjs";
import type { Grid } from "../../src/base/grid.ts";
import { ditObjective } from "../../src/diffusion/ditPrograms.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { ditSchema } from "../../src/models/dit/ditConfig.ts";
import { PackPlan } from "../../src/models/patches/pack.ts";
import { vaeSchema } from "../../src/models/vae/vaeConfig.ts";
import { vaeLossSchema } from "../../src/models/vae/vaeLoss.ts";
import { vaeObjective } from "../../src/models/vae/vaePrograms.ts";
import { type GoldenTensor, goldenTensors, goldenValues, readGolden } from "../goldens/golden.ts";
import { runGradients, toHost } from "../nn/compiledGradients.ts";
import { assertClose } from "../nn/numeric.ts";

interface Golden {
  weights: Record<string, GoldenTensor>;
  inputs: Record<string, GoldenTensor>;
  gradients: Record<string, GoldenTensor>;
}

describe("objectives on the compiled engine against PyTorch", () => {
  let engine: Engine;
  before(async () => {
    engine = await createOnnxEngine({ threads: 1, executor: "auto", cache: undefined });
  });
  after(() => engine.dispose());

  it("DiT, a pack of four grids with text: loss and gradients", async () => {
    const golden = readGolden<Golden & { grids: Grid[]; ids: number[][]; loss: { v: number } }>("dit");
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
    const program = ditObjective({ dit, latentChannels: 3, prediction: "v" }, new PackPlan(golden.grids));
    const inputs = { ...goldenTensors(golden.inputs), text_CR: tf.tensor2d(golden.ids, [4, 7], "int32") };
    const outputs = await runGradients(engine, program, toHost(goldenTensors(golden.weights)), toHost(inputs));
    assertClose(outputs.loss?.data ?? [], [golden.loss.v], 1e-5, "loss");
    for (const [name, expected] of Object.entries(golden.gradients)) {
      assertClose(outputs[name]?.data ?? [], goldenValues(expected), 1e-4, name, 1e-3);
    }
  });

  it("VAE of two levels: loss and gradients", async () => {
    const golden = readGolden<Golden & { levels: unknown[]; terms: { loss: number } }>("vae");
    const vae = vaeSchema.parse({ kind: "causal-conv", latentChannels: 3, levels: golden.levels });
    const loss = vaeLossSchema.parse({ squared: 3, gradient: 0.5, kl: 0.1, foreground: 2 });
    const program = vaeObjective(vae, loss, { numClips: 2, clip: { t: 5, h: 8, w: 12 } });
    const host = [golden.weights, golden.inputs].map((named) => toHost(goldenTensors(named)));
    const outputs = await runGradients(engine, program, host[0] ?? {}, host[1] ?? {});
    assertClose(outputs.loss?.data ?? [], [golden.terms.loss], 1e-5, "loss");
    for (const [name, expected] of Object.entries(golden.gradients)) {
      assertClose(outputs[name]?.data ?? [], goldenValues(expected), 1e-4, name, 1e-3);
    }
  });
});
