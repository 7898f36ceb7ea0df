import type { Tensor5D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { silu } from "../engine/ops/index.ts";
import { CausalConv, type Kernel } from "./causalConv.ts";
import { type Params, zeros } from "./params.ts";
import type { Past } from "./past.ts";
import { RmsNorm } from "./rmsNorm.ts";

const channelAxis = 1;

/**
 * Norm, SiLU, convolution, twice, added to the input. The norm is over each position's channels, so that nothing leaks
 * across time. The second convolution starts at zero: a new block is its shortcut.
 * Shapes: x_BITHW -> BOTHW. Source: residual block of Wan 2.1's VAE, arXiv:2503.20314, section 4.1.
 */
export class CausalResBlock {
  readonly norm1: RmsNorm;
  readonly conv1: CausalConv;
  readonly norm2: RmsNorm;
  readonly conv2: CausalConv;
  /** Present when the number of channels changes. */
  readonly shortcut: CausalConv | undefined;

  constructor(numIn: number, numOut: number, kernel: Kernel, p: Params) {
    this.norm1 = new RmsNorm(numIn, p.at("norm1"), channelAxis);
    this.conv1 = new CausalConv(numIn, numOut, kernel, p.at("conv1"));
    this.norm2 = new RmsNorm(numOut, p.at("norm2"), channelAxis);
    this.conv2 = new CausalConv(numOut, numOut, kernel, p.at("conv2"), zeros);
    this.shortcut = numIn === numOut ? undefined : new CausalConv(numIn, numOut, [1, 1, 1], p.at("shortcut"));
  }

  /** @param past when x is a chunk of a longer clip. */
  call(x_BITHW: Tensor5D, past?: Past): Tensor5D {
    const h_BOTHW = this.conv1.call(silu(this.norm1.call(x_BITHW)), past);
    const change_BOTHW = this.conv2.call(silu(this.norm2.call(h_BOTHW)), past);
    return tf.add(this.shortcut?.call(x_BITHW) ?? x_BITHW, change_BOTHW);
  }
}
