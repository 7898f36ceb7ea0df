import type { LatentVideo } from "../latentVideo.ts";
import { type ModePlan, type Reach, wholePart } from "./modePlan.ts";

/** A clip to change as a prompt says. */
export interface Edit {
  /** What the clip shall show. */
  readonly prompt: string;
  /** The clip, encoded. */
  readonly clip: LatentVideo;
  /** From 0, which returns the clip through the VAE, to 1, which keeps nothing of it. */
  readonly strength: number;
}

/** The clip noised in part and denoised again under another prompt. Source: arXiv:2108.01073. */
export function edit({ prompt, clip, strength }: Edit, { time }: Reach): ModePlan {
  return {
    request: { prompt, grid: clip.grid, edit: { from: clip, strength } },
    parts: (drawn) => wholePart(drawn, time),
  };
}
