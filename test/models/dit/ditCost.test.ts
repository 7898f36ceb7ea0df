import assert from "node:assert/strict";
import type { Scalar } from "@tensorflow/tfjs";
import type { Grid } from "../../../src/base/grid.ts";
import { packCost } from "../../../src/data/plans/cost.ts";
import { buildDiT, ditObjective, type LatentModel } from "../../../src/diffusion/ditPrograms.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { createOnnxEngine } from "../../../src/engine/runtime/onnxEngine.ts";
import { type DiTConfig, ditSchema } from "../../../src/models/dit/ditConfig.ts";
import { ditCost } from "../../../src/models/dit/ditCost.ts";
import { PackPlan } from "../../../src/models/patches/pack.ts";
import { declareParams } from "../../../src/nn/params.ts";
import { FlatLayout } from "../../../src/train/flatState.ts";
import { compileGradient } from "../../../src/train/gradientProgram.ts";

const TOLERANCE = 0.06;
const bytes = { kind: "bytes", width: 64, depth: 2, heads: 2, maxTokens: 40 };
const image: Grid = { t: 1, h: 8, w: 8 };
const clip: Grid = { t: 3, h: 8, w: 8 };
const long: Grid = { t: 5, h: 16, w: 16 };

describe("ditCost", function () {
  this.timeout(60_000);
  let engine: Engine;
  before(async () => {
    engine = await createOnnxEngine({ threads: 1 });
  });
  after(() => engine.dispose());

  /** FLOPs of a gradient step, counted in the products of the compiled program. */
  async function counted(dit: DiTConfig, grids: readonly Grid[]): Promise<number> {
    const model: LatentModel = { dit, latentChannels: 8, prediction: "v" };
    const pack = new PackPlan(grids);
    const objective = ditObjective(model, pack);
    const program = await compileGradient(engine, new FlatLayout(declareParams((p) => buildDiT(model, p))), {
      key: pack.key,
      signature: objective.inputs,
      loss: (params, batch) => ({ loss: objective.fn(params, batch).loss as Scalar, aux: {} }),
    });
    const { flops } = program;
    await program.dispose();
    assert.ok(flops !== undefined);
    return flops;
  }

  for (const [name, text] of [
    ["without text", { kind: "none" }],
    ["with text in every block", bytes],
    ["with pooled text", { ...bytes, crossAttention: false }],
  ] as const) {
    it(`is what the compiled program's products come to, ${name}`, async () => {
      const dit = ditSchema.parse({ kind: "dit", width: 96, depth: 3, heads: 3, patch: [1, 1, 1], text });
      for (const grids of [[image], [clip, clip, image, image, image], [long], [long, clip, image]]) {
        const [expected, told] = [await counted(dit, grids), packCost(ditCost(dit, 8), grids)];
        const error = Math.abs(told / expected - 1);
        assert.ok(error < TOLERANCE, `${grids.length} clips: ${told} for ${expected}, ${error}`);
      }
    });
  }
});
