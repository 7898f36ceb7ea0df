import type { Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { silu } from "../../engine/ops/index.ts";
import { CausalResBlock } from "../../nn/causalResBlock.ts";
import { channelsFirst, channelsLast } from "../../nn/channels.ts";
import { Linear } from "../../nn/linear.ts";
import { type Params, zeros } from "../../nn/params.ts";
import type { Past } from "../../nn/past.ts";
import { RmsNorm } from "../../nn/rmsNorm.ts";
import { type Factor, spaceToDepth } from "../../nn/spaceToDepth.ts";
import { splitFactor, type VaeConfig, vaeFactor } from "./vaeConfig.ts";

/** Colours of a video. */
export const numColours = 3;
/** Where log variances start: a new encoder is nearly deterministic (std 0.018). */
const firstLogvar = -8;

/** A normal distribution over latents, each Bthwz. */
export interface Posterior {
  readonly mean: Tensor5D;
  readonly logvar: Tensor5D;
}

interface EncoderLevel {
  readonly down: Factor;
  readonly stem: Linear;
  readonly blocks: readonly CausalResBlock[];
}

/** latent = linear(patches) + net(video). See `Vae`. Shapes: video_BTHWC -> mean and logvar, Bthwz. */
export class VaeEncoder {
  readonly stem: Factor;
  readonly rest: Factor;
  readonly linear: Linear;
  readonly levels: readonly EncoderLevel[];
  readonly norm: RmsNorm;
  readonly out: Linear;

  constructor(cfg: VaeConfig, p: Params) {
    const { stem, rest } = splitFactor(cfg);
    this.stem = stem;
    this.rest = rest;
    this.linear = new Linear(numColours * volume(vaeFactor(cfg)), cfg.latentChannels, p.at("linear"));
    let numIn = numColours;
    this.levels = cfg.levels.map(({ down, channels, blocks, kernel }, level) => {
      const at = p.at(`levels.${level}`);
      const stem = new Linear(numIn * volume(down), channels, at.at("stem"));
      numIn = channels;
      return { down, stem, blocks: resBlocks(blocks, channels, kernel, at) };
    });
    this.norm = new RmsNorm(numIn, p.at("norm"));
    this.out = new Linear(numIn, 2 * cfg.latentChannels, p.at("out"), { init: zeros });
  }

  call(video_BTHWC: Tensor5D, past?: Past): Posterior {
    const isStart = past?.isStart ?? true;
    const patches_BthwP = spaceToDepth(video_BTHWC, this.stem, isStart);
    const linear_Bthwz = this.linear.call(spaceToDepth(patches_BthwP, this.rest, isStart));
    let h_BthwC = patches_BthwP;
    for (const [level, { down, stem, blocks }] of this.levels.entries()) {
      h_BthwC = refine(stem.call(level === 0 ? h_BthwC : spaceToDepth(h_BthwC, down, isStart)), blocks, past);
    }
    const net_BthwZ = this.out.call(silu(this.norm.call(h_BthwC)));
    const [mean, logvar] = tf.split(net_BthwZ, 2, 4) as [Tensor5D, Tensor5D];
    return { mean: tf.add(linear_Bthwz, mean), logvar: slowAboveZero(tf.add<Tensor5D>(logvar, firstLogvar)) };
  }
}

/**
 * x up to 0 and log(1 + x) above: exp of it stays finite whatever a rare cell makes of x, and its slope 1 / (1 + x) never
 * vanishes, so that training mends the cell. A clamp would leave it as it is.
 */
function slowAboveZero(x_Bthwz: Tensor5D): Tensor5D {
  return tf.add(tf.minimum(x_Bthwz, 0), tf.log(tf.add(tf.relu(x_Bthwz), 1)));
}

/** Cells that one coarser cell stands for. */
export function volume([time, space]: Factor): number {
  return time * space * space;
}

/** The blocks of one level. */
export function resBlocks(numBlocks: number, channels: number, kernel: [number, number, number], p: Params) {
  return Array.from(
    { length: numBlocks },
    (_, i) => new CausalResBlock(channels, channels, kernel, p.at(`blocks.${i}`)),
  );
}

/** Applies blocks in the layout of convolutions. Shapes: x_BthwC -> BthwC. */
export function refine(x_BthwC: Tensor5D, blocks: readonly CausalResBlock[], past?: Past): Tensor5D {
  if (blocks.length === 0) return x_BthwC;
  return channelsLast(blocks.reduce((h_BCthw, block) => block.call(h_BCthw, past), channelsFirst(x_BthwC)));
}
