import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { reportPrograms } from "../../../src/cli/inspect/programReport.ts";
import type { ProgramSource } from "../../../src/engine/compile.ts";
import { engineSchema } from "../../../src/engine/engineConfig.ts";
import { onWebGpu } from "../../engine/adapter.ts";
import { floatSpec } from "../../engine/runtime/smallModels.ts";
import { kinema, ownProgramCache, SmallRecipes } from "../smallRuns.ts";

const product: ProgramSource = {
  name: "product",
  fn: ({ x }) => ({ y: tf.matMul(x as tf.Tensor2D, tf.neg(x as tf.Tensor2D)) }),
  signature: { x: floatSpec(4, 4) },
};

describe("kinema inspect graph", function () {
  this.timeout(120_000);
  ownProgramCache();
  const recipes = new SmallRecipes();
  after(() => recipes.remove());

  it("tells nodes, work and text of a program", async () => {
    const [report] = await reportPrograms([product], engineSchema.parse({}));
    assert.deepEqual(report, {
      name: "product",
      provider: "cpu",
      precision: "f32",
      nodes: 2,
      ops: { neg: 1, matmul: 1 },
      flops: 2 * 4 ** 3,
      fallbacks: [],
      reason: undefined,
      text: "product(x: f32[4,4])\n  %0 = neg x : f32[4,4]\n  %1 = matmul x %0 : f32[4,4]\n  return y = %1\n",
    });
  });

  it("prints a workload's program, then what it counts", async () => {
    const { code, stdout } = await kinema("inspect", "graph", "--case", "vae-s", "--forward");
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^vae-s\(x: f32\[1,32,8,64,64\], param\/blocks/);
    assert.match(lines.at(-2) ?? "", /^vae-s: \d+ nodes, 25\.\d+ GFLOP \(/);
    assert.equal(lines.at(-1), "vae-s: cpu, f32: no operation falls back to the processors");
  });

  it("knows the programs of a recipe, one for each arrangement of its batches", async () => {
    const { code, stdout, stderr } = await kinema("inspect", "graph", recipes.at("vae.yaml"), "--json");
    assert.equal(code, 0, stderr);
    const reports = JSON.parse(stdout) as { name: string; nodes: number }[];
    assert.equal(reports.length, 3);
    for (const { name, nodes } of reports) {
      assert.match(name, /^gradient \d+ of \dx\d+x\d+$/);
      assert.ok(nodes > 50);
    }
  });

  it("asks for a recipe or a workload, not both", async () => {
    for (const [args, says] of [
      [[], /expected a recipe or --case, got neither/],
      [[recipes.at("vae.yaml"), "--case", "dit-s"], /got both/],
      [
        [recipes.at("vae.yaml"), "--provider", "webgpu"],
        /--provider: expected it with --case only.*engine\.provider=webgpu/,
      ],
    ] as const) {
      const { code, stderr } = await kinema("inspect", "graph", ...args);
      assert.equal(code, 2);
      assert.match(stderr, says);
    }
  });

  onWebGpu("placement", () => {
    it("is told also of a precision that the device cannot run", async () => {
      const cfg = engineSchema.parse({ provider: "webgpu", precision: "f16" });
      const [report] = await reportPrograms([product], cfg);
      assert.deepEqual(report?.fallbacks, []);
      assert.deepEqual(report?.ops, { cast: 3, neg: 1, matmul: 1 });
    });
  });
});
