import type { Tensor2D, Tensor3D, Tensor4D } from "@tensorflow/tfjs";

/** Texts as tokens attend to them. C texts of S tokens. */
export interface TextKeys {
  readonly k_CHSd: Tensor4D;
  readonly v_CHSd: Tensor4D;
  /** 0, or very negative at padding. */
  readonly bias_CS: Tensor2D;
}

/** Attention within the clips of a pack: what batches its products, and what keeps clips apart. */
export interface ClipAttention {
  /** Each token attends to all tokens of its own clip. Shapes: LHd, LHd, LHd -> LD, D = H d. */
  toClip(q_LHd: Tensor3D, k_LHd: Tensor3D, v_LHd: Tensor3D): Tensor2D;
  /** Each token attends to its own clip's text. Shapes: q_LHd -> LD, D = H d. */
  toText(q_LHd: Tensor3D, text: TextKeys): Tensor2D;
}
