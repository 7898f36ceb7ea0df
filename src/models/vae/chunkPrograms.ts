import type { Tensor, Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { Grid } from "../../base/grid.ts";
import { withoutPrefix, withPrefix } from "../../base/tensors.ts";
import type { Signature } from "../../engine/engine.ts";
import { Past } from "../../nn/past.ts";
import type { ModelProgram } from "../program.ts";
import { Vae } from "./vae.ts";
import { type VaeConfig, vaeFactor } from "./vaeConfig.ts";
import { numColours } from "./vaeEncoder.ts";

/** Names of the inputs and outputs that carry what a chunk needs of those before it. */
export const PAST = "past/";

/**
 * A part of a clip that is computed at once.
 * whole: the clip from its first frame, no part of which follows. first: its beginning. later: what follows a chunk.
 */
export interface Chunk {
  /** Its latent frames, rows and columns. */
  readonly latent: Grid;
  readonly place: "whole" | "first" | "later";
}

/** One way through the VAE: what goes in and comes out, and how many values of it a latent grid has. */
export interface Direction {
  readonly name: "encode" | "decode";
  /** Frames, rows, columns and channels of what goes in and of what comes out. */
  readonly from: (vae: VaeConfig, chunk: Chunk) => Volume;
  readonly to: (vae: VaeConfig, chunk: Chunk) => Volume;
  readonly compute: (model: Vae, x: Tensor5D, past: Past | undefined) => Tensor;
}

/** Sizes of a clip or of latents, in the order that they lie in memory. */
export type Volume = readonly [frames: number, height: number, width: number, channels: number];

const latents = ({ latentChannels }: VaeConfig, { latent: { t, h, w } }: Chunk): Volume => [t, h, w, latentChannels];

/** The frames that a chunk of latents stands for: the clip's first latent frame is one frame, each other `time`. */
function pixels(vae: VaeConfig, { latent: { t, h, w }, place }: Chunk): Volume {
  const [time, space] = vaeFactor(vae);
  const frames = place === "later" ? t * time : 1 + (t - 1) * time;
  return [frames, h * space, w * space, numColours];
}

/** Pixels in [-1, 1] to posterior means, not normalised. */
export const encoding: Direction = {
  name: "encode",
  from: pixels,
  to: latents,
  compute: (model, video_BTHWC, past) => model.encode(video_BTHWC, past).mean,
};

/** Latents, not normalised, to pixels in [-1, 1], clipped. */
export const decoding: Direction = {
  name: "decode",
  from: latents,
  to: pixels,
  compute: (model, z_Bthwz, past) => tf.clipByValue(model.decode(z_Bthwz, past), -1, 1),
};

/**
 * One chunk of one clip. Inputs: x; for a later chunk also what the one before kept. Outputs: y, and unless it is whole
 * what the next chunk is to be given.
 * @param past shapes of what the chunk before kept: its outputs under `past/`, for a later chunk.
 */
export function chunkProgram(
  vae: VaeConfig,
  { from, compute }: Direction,
  chunk: Chunk,
  past: Signature = {},
): ModelProgram {
  return {
    inputs: { x: { shape: [1, ...from(vae, chunk)], dtype: "float32" }, ...past },
    fn(p, { x, ...given }) {
      const keeping = new Past(chunk.place === "later" ? withoutPrefix(given, PAST) : undefined);
      const y = compute(new Vae(vae, p), x as Tensor5D, chunk.place === "whole" ? undefined : keeping);
      return { y, ...withPrefix(keeping.kept, PAST) };
    },
  };
}
