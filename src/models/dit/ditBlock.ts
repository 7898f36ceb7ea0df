import type { Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { layerNorm } from "../../engine/ops/index.ts";
import { CrossAttention } from "../../nn/crossAttention.ts";
import { Mlp } from "../../nn/mlp.ts";
import { PackedAttention } from "../../nn/packedAttention.ts";
import type { Params } from "../../nn/params.ts";
import type { RopeAngles } from "../../nn/rope.ts";
import type { Packing } from "../patches/packing.ts";
import type { TextFeatures } from "../text/textEncoder.ts";
import { addGated, Modulation, modulate } from "./modulation.ts";

export interface DiTBlockConfig {
  readonly width: number;
  readonly heads: number;
  readonly mlpRatio: number;
  /** Width of the text tokens to attend to; undefined for none. */
  readonly textWidth: number | undefined;
}

/** What every block of one call shares. */
export interface BlockContext {
  /** SiLU of the conditioning. */
  readonly signal_FD: Tensor2D;
  readonly text: TextFeatures | undefined;
  readonly rope: RopeAngles;
  readonly pack: Packing;
}

/**
 * DiT block, adaLN-Zero. Source: arXiv:2212.09748, fig. 3.
 * L packed tokens, F latent frames in the pack, D width.
 * Differs: modulated per latent frame; between attention and MLP it may attend to text, without modulation (PixArt).
 */
export class DiTBlock {
  readonly adaLN: Modulation;
  readonly attn: PackedAttention;
  readonly crossAttn: CrossAttention | undefined;
  readonly mlp: Mlp;

  constructor({ width, heads, mlpRatio, textWidth }: DiTBlockConfig, p: Params) {
    this.adaLN = new Modulation(width, 6, p.at("adaLN"));
    this.attn = new PackedAttention(width, heads, p.at("attn"));
    this.crossAttn =
      textWidth === undefined ? undefined : new CrossAttention(width, textWidth, heads, p.at("crossAttn"));
    this.mlp = new Mlp(width, Math.round(mlpRatio * width), p.at("mlp"));
  }

  call(x_LD: Tensor2D, { signal_FD, text, rope, pack }: BlockContext): Tensor2D {
    const [shift1, scale1, gate1, shift2, scale2, gate2] = this.adaLN.call(signal_FD, pack) as SixOf<Tensor2D>;
    const attended_LD = this.attn.call(modulate(norm(x_LD), shift1, scale1, pack), rope, pack.attention);
    let h_LD = addGated(x_LD, gate1, attended_LD, pack);
    if (this.crossAttn !== undefined && text !== undefined) {
      const read_LD = this.crossAttn.call(norm(h_LD), text.tokens_CSE, text.bias_CS, pack.attention);
      h_LD = tf.add(h_LD, read_LD);
    }
    return addGated(h_LD, gate2, this.mlp.call(modulate(norm(h_LD), shift2, scale2, pack)), pack);
  }
}

type SixOf<T> = [T, T, T, T, T, T];

function norm(x_LD: Tensor2D): Tensor2D {
  return layerNorm(x_LD) as Tensor2D;
}
