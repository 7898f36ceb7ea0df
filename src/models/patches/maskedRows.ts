import type { Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import type { Signature, TensorMap } from "../../engine/engine.ts";
import { lookUpRope } from "../../nn/rope.ts";
import { RowAttention } from "../../nn/rowAttention.ts";
import { Packing, type PackShape } from "./packing.ts";
import { RowLayout, type RowRoom } from "./rowLayout.ts";

/**
 * Packs of rows with several clips each, in any arrangement: where clips lie is an input of one program. Attention is
 * dense over each row, with a mask that keeps clips apart. Parameters are those of `PackPlan`'s programs.
 * Source: arXiv:2307.06304, section 2.1.
 */
export class MaskedRows implements PackShape {
  readonly room: RowRoom;
  readonly numTokens: number;
  readonly numFrames: number;
  readonly numClips: number;
  readonly inputs: Signature;

  constructor(room: RowRoom) {
    const { numTokens, numFrames, numClips, inputs } = new RowLayout(room);
    this.room = room;
    this.numTokens = numTokens;
    this.numFrames = numFrames;
    this.numClips = numClips;
    this.inputs = inputs;
  }

  /** `2 rows of 512 tokens, 40 frames, 12 clips, strips of 4, sides to 16`. */
  get key(): string {
    const { rows, tokens, frames, clips, stripSize, side } = this.room;
    return `${rows} rows of ${tokens} tokens, ${frames} frames, ${clips} clips, strips of ${stripSize}, sides to ${side}`;
  }

  open(inputs: TensorMap): Packing {
    const { rows, tokens, clips, stripSize, side } = this.room;
    const { frameOfStrip_N, clipOfFrame_F, positions_L3 } = inputs as RowInputs;
    const clipOfStrip_N1 = tf.reshape(tf.gather(clipOfFrame_F, frameOfStrip_N), [-1, 1]);
    const clipOfToken_RT = tf.reshape(tf.tile(clipOfStrip_N1, [1, stripSize]), [rows, tokens]) as Tensor2D;
    return new Packing({
      numTokens: this.numTokens,
      numFrames: this.numFrames,
      stripSize,
      frameOfStrip_N,
      clipOfFrame_F,
      attention: new RowAttention(clipOfToken_RT, clips + 1),
      rope: (headDim, theta) => lookUpRope(positions_L3, side, headDim, theta),
    });
  }
}

type RowInputs = { frameOfStrip_N: Tensor1D; clipOfFrame_F: Tensor1D; positions_L3: Tensor2D };
