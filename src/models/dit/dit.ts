import type { Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../../base/errors.ts";
import { layerNorm, silu } from "../../engine/ops/index.ts";
import { headDim } from "../../nn/heads.ts";
import { Linear } from "../../nn/linear.ts";
import { normal, type Params, zeros } from "../../nn/params.ts";
import { TimeEmbedding } from "../../nn/timeEmbedding.ts";
import type { Packing } from "../patches/packing.ts";
import { patchWidth } from "../patches/patchify.ts";
import { TextEncoder } from "../text/textEncoder.ts";
import { DiTBlock } from "./ditBlock.ts";
import type { DiTConfig } from "./ditConfig.ts";
import { addGated, Modulation, modulate } from "./modulation.ts";

export type { DiTConfig } from "./ditConfig.ts";

/** What the model is given. text_CR: rows of `textRow`, int32, one per clip; absent without text. */
export interface DiTInputs {
  readonly x_LP: Tensor2D;
  readonly t_F: Tensor1D;
  readonly text_CR: Tensor2D | undefined;
}

/**
 * Diffusion transformer over a pack of clips. Source: arXiv:2212.09748, figs. 3 and 4.
 * L packed tokens, P values per token, F latent frames in the pack, C clips, D width.
 * Differs: every latent frame has its own time and modulation; positions are 3-D rotary, and added at the input; queries
 * and keys are normed; the input may reach the output directly, by a gain for each value that the conditioning sets.
 */
export class DiT {
  readonly cfg: DiTConfig;
  readonly text: TextEncoder | undefined;
  readonly pooled: Linear | undefined;
  readonly time: TimeEmbedding;
  readonly embed: Linear;
  readonly place: Linear | undefined;
  readonly blocks: readonly DiTBlock[];
  readonly adaLN: Modulation;
  readonly out: Linear;
  readonly skip: Linear | undefined;

  constructor(cfg: DiTConfig, latentChannels: number, p: Params) {
    const { width, text } = cfg;
    const valuesPerToken = patchWidth(cfg.patch, latentChannels);
    const textWidth = text.kind !== "none" && text.crossAttention ? text.width : undefined;
    this.cfg = cfg;
    this.text = text.kind !== "none" ? new TextEncoder(text, p.at("text")) : undefined;
    this.pooled =
      text.kind !== "none" ? new Linear(text.width, width, p.at("pooled"), { init: normal(0.02) }) : undefined;
    this.time = new TimeEmbedding(width, p.at("time"));
    this.embed = new Linear(valuesPerToken, width, p.at("embed"));
    this.place =
      cfg.placeFeatures === 0 ? undefined : new Linear(cfg.placeFeatures, width, p.at("place"), { bias: false });
    this.blocks = Array.from(
      { length: cfg.depth },
      (_, i) => new DiTBlock({ width, heads: cfg.heads, mlpRatio: cfg.mlpRatio, textWidth }, p.at(`blocks.${i}`)),
    );
    this.adaLN = new Modulation(width, 2, p.at("adaLN"));
    this.out = new Linear(width, valuesPerToken, p.at("out"), { init: zeros });
    this.skip = cfg.inputSkip ? new Linear(width, valuesPerToken, p.at("skip"), { init: zeros }) : undefined;
  }

  /** Shapes: x_LP, t_F in [0, 1] with 1 = noise, text_CR -> LP. @throws UserError when text is missing or unwanted. */
  call({ x_LP, t_F, text_CR }: DiTInputs, pack: Packing): Tensor2D {
    if ((this.text === undefined) !== (text_CR === undefined)) {
      throw new UserError("dit.text", {
        expected: this.text === undefined ? "no prompts: this model has text.kind none" : "a prompt for every clip",
        got: text_CR === undefined ? "none" : "prompts",
      });
    }
    const text = text_CR === undefined ? undefined : this.text?.call(text_CR);
    const time_FD = this.time.call(t_F);
    const cond_FD =
      text === undefined || this.pooled === undefined
        ? time_FD
        : tf.add<Tensor2D>(time_FD, pack.clipsToFrames(this.pooled.call(text.pooled_CE)));
    const rope = pack.rope(headDim(this.cfg.width, this.cfg.heads, "dit"), this.cfg.ropeTheta);
    const context = { signal_FD: silu(cond_FD), text, rope, pack };
    let h_LD = this.embed.call(x_LP);
    if (this.place !== undefined) h_LD = tf.add(h_LD, this.place.call(this.placesOf(pack)));
    for (const block of this.blocks) h_LD = block.call(h_LD, context);
    const [shift_ND, scale_ND] = this.adaLN.call(context.signal_FD, pack) as [Tensor2D, Tensor2D];
    const y_LP = this.out.call(modulate(layerNorm(h_LD) as Tensor2D, shift_ND, scale_ND, pack));
    if (this.skip === undefined) return y_LP;
    return addGated(y_LP, pack.framesToStrips(this.skip.call(context.signal_FD)), x_LP, pack);
  }

  /** The rotary angles' cosines and sines as features. Shape: [L, placeFeatures]. */
  private placesOf(pack: Packing): Tensor2D {
    const { cos_L1A, sin_L1A } = pack.rope(this.cfg.placeFeatures, this.cfg.ropeTheta);
    return tf.reshape(tf.concat([cos_L1A, sin_L1A], 2), [-1, this.cfg.placeFeatures]) as Tensor2D;
  }
}
