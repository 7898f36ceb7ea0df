/** The process in which one clip is drawn alone: what it needs of memory and time is that clip's. */
import { vaeFactor } from "../../../models/vae/vaeConfig.ts";
import { drawLatents } from "../../../sampling/drawLatents.ts";
import { wholePart } from "../../../sampling/modes/modePlan.ts";
import { shownFrames } from "../../../sampling/shownFrames.ts";
import { latentGridFor } from "../../../sampling/textToVideo.ts";
import { loadModel, readModel } from "../openModel.ts";
import { runOverrides } from "../runOverrides.ts";
import { samplingWith } from "../samplingWith.ts";
import type { LongCost, LongReply, LongRequest } from "./longCost.ts";

const BYTES_PER_MB = 2 ** 20;

/** Draws and decodes a clip as `kinema sample` does; its frames are thrown away. */
async function draw({ runDir, options, clip }: LongRequest): Promise<LongCost> {
  const known = await readModel(runDir, runOverrides(options.overrides, options.engine));
  const model = await loadModel(known, options.weights);
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const drawing = { seed: options.seed, ...samplingWith(known.recipe.samples, options) };
  const request = { prompt: clip.prompt, grid: latentGridFor(model, clip) };
  const [time] = vaeFactor(model.codec.cfg);
  for (const latents of await drawLatents(model, [request], drawing)) {
    for await (const _ of shownFrames(model.codec, wholePart(latents, time)));
  }
  const { user, system } = process.cpuUsage(cpu);
  return {
    frames: clip.frames,
    wallSeconds: (performance.now() - start) / 1000,
    cpuSeconds: (user + system) / 1e6,
    peakMb: (process.resourceUsage().maxRSS * 1024) / BYTES_PER_MB,
  };
}

async function answer(request: LongRequest): Promise<LongReply> {
  try {
    return { cost: await draw(request) };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

process.on("message", (request: LongRequest) => {
  void answer(request).then((reply) => process.send?.(reply, () => process.exit(0)));
});
process.on("disconnect", () => process.exit(0));
