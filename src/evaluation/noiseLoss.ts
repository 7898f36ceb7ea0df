import type { Grid } from "../base/grid.ts";
import { KeyedRandom } from "../base/random.ts";
import { floats, type HostTensor, ints } from "../base/tensors.ts";
import { ditObjective } from "../diffusion/ditPrograms.ts";
import { lossWeights } from "../diffusion/lossWeights.ts";
import { compileModel } from "../models/compiledModel.ts";
import { PackPlan } from "../models/patches/pack.ts";
import { patchify, patchWidth, tokenGrid } from "../models/patches/patchify.ts";
import { textRow, textRowLength } from "../models/text/textRow.ts";
import { normaliseLatents } from "../models/vae/latents.ts";
import type { VideoModel } from "../sampling/textToVideo.ts";

/** Times at which the loss is measured: 0 is a clean clip, 1 is noise. */
export const NOISE_LEVELS = [0.1, 0.3, 0.5, 0.7, 0.9] as const;

/** A clip to measure the loss on. `latent_thwz` is as the VAE makes it, not normalised. */
export interface LatentClip {
  readonly hash: string;
  readonly caption: string;
  readonly grid: Grid;
  readonly latent_thwz: Float32Array;
}

/**
 * Mean squared error of the velocity of clips of one latent grid, for each of `NOISE_LEVELS`. The noise is keyed by the
 * clip's content and the level: two models are measured on the same points.
 */
export async function lossByNoise(video: VideoModel, clips: readonly LatentClip[]): Promise<number[]> {
  const { engine, model, weights, statistics } = video;
  const { patch, text } = model.dit;
  const pack = new PackPlan(clips.map(({ grid }) => tokenGrid(grid, patch)));
  const numValues = patchWidth(patch, model.latentChannels);
  const x0_LP = floats([pack.numTokens, numValues]);
  const eps_LP = floats([pack.numTokens, numValues]);
  const t_F = floats([pack.numFrames]);
  const inputs: Record<string, HostTensor> = {
    ...{ x0_LP, eps_LP, t_F },
    weight_F: floats([pack.numFrames], lossWeights(pack, "clip")),
  };
  const span = (i: number): [number, number] => {
    const { firstToken, numTokens } = pack.clips[i] as PackPlan["clips"][number];
    return [firstToken * numValues, (firstToken + numTokens) * numValues];
  };
  for (const [i, { grid, latent_thwz }] of clips.entries()) {
    patchify(normaliseLatents(latent_thwz.slice(), statistics), grid, patch, x0_LP.data.subarray(...span(i)));
  }
  if (text.kind !== "none") {
    const text_CR = ints([clips.length, textRowLength(text)]);
    for (const [i, { caption }] of clips.entries()) text_CR.data.set(textRow(caption, text), i * textRowLength(text));
    inputs.text_CR = text_CR;
  }
  const program = await compileModel(engine, `loss ${pack.key}`, ditObjective(model, pack), weights);
  try {
    const binding = program.bind(inputs);
    const losses: number[] = [];
    for (const level of NOISE_LEVELS) {
      for (const [i, { hash }] of clips.entries()) {
        new KeyedRandom(0, "evaluation noise", hash, level).fillNormal(eps_LP.data.subarray(...span(i)));
      }
      t_F.data.fill(level);
      await binding.run();
      losses.push(binding.outputs.loss?.data[0] as number);
    }
    return losses;
  } finally {
    await program.dispose();
  }
}
