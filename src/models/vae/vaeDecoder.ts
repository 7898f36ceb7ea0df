import type { Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { silu } from "../../engine/ops/index.ts";
import type { CausalResBlock } from "../../nn/causalResBlock.ts";
import { Linear } from "../../nn/linear.ts";
import { type Params, zeros } from "../../nn/params.ts";
import type { Past } from "../../nn/past.ts";
import { RmsNorm } from "../../nn/rmsNorm.ts";
import { depthToSpace, type Factor } from "../../nn/spaceToDepth.ts";
import { splitFactor, type VaeConfig, vaeFactor } from "./vaeConfig.ts";
import { numColours, refine, resBlocks, volume } from "./vaeEncoder.ts";

interface DecoderLevel {
  readonly up: Factor;
  readonly blocks: readonly CausalResBlock[];
  readonly norm: RmsNorm;
  readonly head: Linear;
}

/** video = linear patches(z) + net(z): the encoder's mirror. See `Vae`. Shapes: z_Bthwz -> video_BTHWC. */
export class VaeDecoder {
  readonly stem: Factor;
  readonly rest: Factor;
  readonly linear: Linear;
  readonly in: Linear;
  /** Innermost first. */
  readonly levels: readonly DecoderLevel[];

  constructor(cfg: VaeConfig, p: Params) {
    const { stem, rest } = splitFactor(cfg);
    this.stem = stem;
    this.rest = rest;
    this.linear = new Linear(cfg.latentChannels, numColours * volume(vaeFactor(cfg)), p.at("linear"));
    this.in = new Linear(cfg.latentChannels, cfg.levels.at(-1)?.channels ?? 0, p.at("in"));
    this.levels = cfg.levels
      .map(({ down, channels, blocks, kernel }, level) => {
        const at = p.at(`levels.${level}`);
        const numOut = (cfg.levels[level - 1]?.channels ?? numColours) * volume(down);
        return {
          up: down,
          blocks: resBlocks(blocks, channels, kernel, at),
          norm: new RmsNorm(channels, at.at("norm")),
          head: new Linear(channels, numOut, at.at("head"), level === 0 ? { init: zeros } : {}),
        };
      })
      .reverse();
  }

  call(z_Bthwz: Tensor5D, past?: Past): Tensor5D {
    const isStart = past?.isStart ?? true;
    let h_BthwC = this.in.call(z_Bthwz);
    for (const [i, { up, blocks, norm, head }] of this.levels.entries()) {
      const patches_BthwP = head.call(silu(norm.call(refine(h_BthwC, blocks, past))));
      h_BthwC = i === this.levels.length - 1 ? patches_BthwP : depthToSpace(patches_BthwP, up, isStart);
    }
    const linear_BthwP = depthToSpace(this.linear.call(z_Bthwz), this.rest, isStart);
    return depthToSpace(tf.add<Tensor5D>(linear_BthwP, h_BthwC), this.stem, isStart);
  }
}
