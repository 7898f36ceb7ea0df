import { join } from "node:path";
import type { CommandModule } from "yargs";
import { say } from "./command.ts";
import { drawClips } from "./stages/drawClips.ts";
import { openModel } from "./stages/openModel.ts";
import { defaultRunDir, trainRecipe } from "./stages/trainRecipe.ts";

const RECIPE = "configs/quickstart.yaml";
const SEED = 1;

/** Clips that the quickstart ends with: different prompts, lengths and shapes. */
const REQUESTS = [
  { prompt: "a red circle moves right on a dark background", frames: 9, height: 32, width: 48 },
  { prompt: "a green square moves up on a dark background", frames: 9, height: 48, width: 32 },
  { prompt: "a yellow triangle moves left on a grey background", frames: 13, height: 32, width: 32 },
  { prompt: "a blue circle moves down on a grey background", frames: 9, height: 32, width: 32 },
] as const;

/** `kinema quickstart`: from nothing to clips drawn from text, in minutes on two cores. */
export const quickstartCommand: CommandModule = {
  command: "quickstart",
  describe: "Train a small model from nothing and draw clips with it; about eight minutes on two cores",
  builder: (cli) => cli,
  handler: async () => {
    const started = performance.now();
    const code = await trainRecipe(RECIPE, []);
    if (code !== 0) {
      process.exitCode = code;
      return;
    }
    const runDir = defaultRunDir({ name: "quickstart" });
    const model = await openModel(runDir, "ema");
    const { sampler, guidance } = model.recipe.samples;
    const out = join("experiments", "quickstart", "samples", "clip");
    const clips = await drawClips(model, REQUESTS, {
      sampler,
      guidance,
      seed: SEED,
      fps: model.facts.fps,
      out,
    }).finally(() => model.engine.dispose());
    say(`\nDone in ${((performance.now() - started) / 60_000).toFixed(1)} minutes. Clips drawn from text:`);
    for (const { file, strip, prompt } of clips) say(`  ${file}  (frames: ${strip})  ${prompt}`);
    say(`\nDraw your own: npx kinema sample ${runDir} --prompt "a purple square moves left on a dark background"`);
  },
};
