import type { Tensor2D, Tensor3D, Tensor4D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { APART, attention } from "../engine/ops/index.ts";
import type { ClipAttention, TextKeys } from "./clipAttention.ts";
import { rowsOfHeads } from "./groupedAttention.ts";

/**
 * Attention of clips whose places are known only when the program runs: dense over rows of tokens that hold several
 * clips each, with a mask. R rows of T tokens; row r holds clips r K to r K + K - 1 and no others.
 * Source: arXiv:2307.06304, section 2.1.
 */
export class RowAttention implements ClipAttention {
  private readonly clipOfToken_RT: Tensor2D;
  private readonly rowClips: number;

  /** @param clipOfToken_RT int32. @param rowClips K. */
  constructor(clipOfToken_RT: Tensor2D, rowClips: number) {
    this.clipOfToken_RT = clipOfToken_RT;
    this.rowClips = rowClips;
  }

  toClip(q_LHd: Tensor3D, k_LHd: Tensor3D, v_LHd: Tensor3D): Tensor2D {
    const [numRows, rowTokens] = this.clipOfToken_RT.shape;
    const query_RT1 = tf.reshape(this.clipOfToken_RT, [numRows, 1, rowTokens, 1]);
    const key_R1T = tf.reshape(this.clipOfToken_RT, [numRows, 1, 1, rowTokens]);
    const bias_R1TT = tf.mul(tf.cast(tf.notEqual(query_RT1, key_R1T), "float32"), APART);
    return rowsOfHeads(attention(this.rows(q_LHd), this.rows(k_LHd), this.rows(v_LHd), bias_R1TT));
  }

  toText(q_LHd: Tensor3D, { k_CHSd, v_CHSd, bias_CS }: TextKeys): Tensor2D {
    const [numRows, rowTokens] = this.clipOfToken_RT.shape;
    const numText = bias_CS.shape[1];
    const clips = tf.tensor1d(Int32Array.from({ length: numRows * this.rowClips }, (_, i) => i));
    const key_R11K1 = tf.reshape(clips, [numRows, 1, 1, this.rowClips, 1]);
    const query_R1T11 = tf.reshape(this.clipOfToken_RT, [numRows, 1, rowTokens, 1, 1]);
    const apart_R1TK1 = tf.mul(tf.cast(tf.notEqual(query_R1T11, key_R11K1), "float32"), APART);
    const bias_R1TKS = tf.add(apart_R1TK1, tf.reshape(bias_CS, [numRows, 1, 1, this.rowClips, numText]));
    const bias_R1TX = tf.reshape(bias_R1TKS, [numRows, 1, rowTokens, this.rowClips * numText]);
    return rowsOfHeads(attention(this.rows(q_LHd), this.texts(k_CHSd), this.texts(v_CHSd), bias_R1TX));
  }

  /** Shapes: x_LHd -> RHTd. */
  private rows(x_LHd: Tensor3D): Tensor4D {
    const [, numHeads, headDim] = x_LHd.shape;
    const x_RTHd = tf.reshape(x_LHd, [...this.clipOfToken_RT.shape, numHeads, headDim]);
    return tf.transpose(x_RTHd, [0, 2, 1, 3]) as Tensor4D;
  }

  /** The texts of each row's clips end to end. Shapes: x_CHSd -> RHXd, X = K S. */
  private texts(x_CHSd: Tensor4D): Tensor4D {
    const [, numHeads, numText, headDim] = x_CHSd.shape;
    const numRows = this.clipOfToken_RT.shape[0];
    const x_RKHSd = tf.reshape(x_CHSd, [numRows, this.rowClips, numHeads, numText, headDim]);
    const x_RHKSd = tf.transpose(x_RKHSd, [0, 2, 1, 3, 4]);
    return tf.reshape(x_RHKSd, [numRows, numHeads, this.rowClips * numText, headDim]) as Tensor4D;
  }
}
