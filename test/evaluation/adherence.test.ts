import assert from "node:assert/strict";
import { floats } from "../../src/base/tensors.ts";
import { type WorldPrompt, worldPrompts } from "../../src/cli/stages/worldPrompts.ts";
import { shapesSchema } from "../../src/data/shapes/world.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { reportAdherence } from "../../src/evaluation/adherenceReport.ts";
import { judgeClip } from "../../src/evaluation/judge/judge.ts";
import { toSigned } from "../../src/models/vae/colour.ts";
import { pcaStart } from "../../src/models/vae/pcaStart.ts";
import { VaeCodec } from "../../src/models/vae/vaeCodec.ts";
import { vaeSchema } from "../../src/models/vae/vaeConfig.ts";
import { liveWeights } from "../models/vae/codecSetting.ts";

const world = shapesSchema.parse({
  shapes: ["circle", "square", "triangle"],
  motions: ["left", "right", "up", "down"],
  size: [0.5, 0.6],
  buckets: [{ frames: 9, height: 24, width: 24 }],
});

describe("the report of adherence", function () {
  this.timeout(60_000);
  const scenesOf = (prompts: readonly WorldPrompt[]) => prompts.map(({ scene }) => scene);

  it("is at chance for a model that draws the world well and ignores the text", () => {
    const asked = worldPrompts(world, "seen", 150, 1);
    const drawn = worldPrompts(world, "seen", 150, 2);
    const report = reportAdherence(
      scenesOf(asked),
      drawn.map(({ clip }) => judgeClip(clip)),
    );
    const chance = { all: 1 / 96, colour: 1 / 8, shape: 1 / 3, motion: 1 / 4 } as const;
    for (const [name, share] of Object.entries(chance)) {
      const four = 4 * Math.sqrt((share * (1 - share)) / asked.length);
      const found = report[name as keyof typeof chance] ?? Number.NaN;
      assert.ok(Math.abs(found - share) < four, `${name}: ${found}, chance ${share}`);
      const [low, high] = report.ci95[name as keyof typeof chance] ?? assert.fail(name);
      assert.ok(low <= found && found <= high && high - low < 0.2);
    }
  });

  it("is 98 % and more for true clips through a VAE that keeps what matters", async () => {
    const cfg = vaeSchema.parse({
      kind: "causal-conv",
      latentChannels: 32,
      levels: [{ down: [4, 4], channels: 8, blocks: 1 }],
    });
    const learned = worldPrompts(world, "seen", 40, 3).map(({ clip: { frames, height, width, frames_THWC } }) => {
      const video_THWC = new Float32Array(frames_THWC.length);
      toSigned(frames_THWC, video_THWC);
      return { video_THWC, grid: { t: frames, h: height, w: width } };
    });
    const linear = pcaStart(cfg, learned, 1);
    // Linear layers as fitted, all else silent: an untrained VAE.
    const weights = Object.fromEntries(
      Object.entries(liveWeights(cfg)).map(([path, { shape }]) => [path, floats(shape, linear[path])]),
    );
    const engine = await createOnnxEngine({ threads: 1 });
    try {
      const codec = new VaeCodec(engine, cfg, weights);
      const asked = worldPrompts(world, "seen", 60, 1);
      const readings = [];
      for (const { clip } of asked) {
        const grid = { t: clip.frames, h: clip.height, w: clip.width };
        const frames_THWC = await codec.decode(await codec.encode(clip.frames_THWC, grid), codec.latentGrid(grid));
        readings.push(judgeClip({ ...clip, frames_THWC }));
      }
      const report = reportAdherence(scenesOf(asked), readings);
      assert.ok(report.all >= 0.98, `${report.all}`);
      await codec.dispose();
    } finally {
      await engine.dispose();
    }
  });
});
