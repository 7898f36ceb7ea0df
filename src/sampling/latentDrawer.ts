import { type Grid, gridKey } from "../base/grid.ts";
import type { LatentStats } from "../models/vae/latents.ts";
import type { TrainedDiT } from "./denoiser.ts";
import type { FlowConfig } from "./flow.ts";
import type { KeptFlow } from "./keptFlow.ts";
import type { LatentRequest } from "./latentRequest.ts";
import type { LatentVideo } from "./latentVideo.ts";
import type { Reach } from "./modes/modePlan.ts";
import type { RollingConfig } from "./rolling/schedule.ts";

/** A trained model that draws latents as its VAE makes them. */
export interface LatentDrawer extends TrainedDiT {
  /** Those that latents were normalised with in training. */
  readonly statistics: LatentStats;
  /** How clips are drawn that are longer than the model's window. Without it they are drawn at once. */
  readonly long?: LongClips;
}

/** How a model draws clips longer than its window. */
export interface LongClips {
  readonly rolling: RollingConfig;
  /** @param grid of latents. */
  reachOf(grid: Grid): Reach;
}

export interface DrawOptions extends FlowConfig {
  readonly seed: number;
  /** Told after each step how many are done, of how many in all. */
  readonly onStep?: (done: number, total: number) => void;
  /**
   * Told of each clip once, long before it is finished, what it will look like: of one that the model sees whole, all of
   * it as the model thinks it will be; of a longer one, the first window, finished.
   */
  readonly onPreview?: (request: LatentRequest, latents: LatentVideo) => Promise<void>;
  /** Keeps what is compiled from call to call, with this sampler and guidance. */
  readonly kept?: KeptFlow;
}

/**
 * What the noise of each clip is named by. The same prompt asked for twice at one size gives two clips: the second has
 * another name.
 */
export function noiseNames(requests: readonly LatentRequest[]): [name: string, numBefore: number][] {
  const names = requests.map(({ prompt, grid, noiseKey }) => noiseKey ?? JSON.stringify([prompt, gridKey(grid)]));
  return names.map((name, i) => [name, names.slice(0, i).filter((other) => other === name).length]);
}
