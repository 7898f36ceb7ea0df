import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { assert } from "../base/errors.ts";
import { attention } from "../engine/ops/index.ts";
import type { ClipAttention, TextKeys } from "./clipAttention.ts";

/** Consecutive clips of a pack that have equally many tokens: one dense batch for attention. */
export interface ClipGroup {
  readonly numClips: number;
  /** Tokens of each clip. */
  readonly length: number;
}

/** Attention of clips whose lengths are known: a dense batch for each group of equally long clips, and no mask. */
export class GroupedAttention implements ClipAttention {
  private readonly groups: readonly ClipGroup[];

  constructor(groups: readonly ClipGroup[]) {
    this.groups = groups;
  }

  toClip(q_LHd: Tensor3D, k_LHd: Tensor3D, v_LHd: Tensor3D): Tensor2D {
    const [q, k, v] = [this.batches(q_LHd), this.batches(k_LHd), this.batches(v_LHd)];
    return joinBatches(q.map((q_nHSd, i) => attention(q_nHSd, k[i] as Tensor4D, v[i] as Tensor4D)));
  }

  toText(q_LHd: Tensor3D, { k_CHSd, v_CHSd, bias_CS }: TextKeys): Tensor2D {
    const sizes = this.groups.map(({ numClips }) => numClips);
    const [numClips, numText] = bias_CS.shape;
    const bias_C11S = tf.reshape(bias_CS, [numClips, 1, 1, numText]) as Tensor4D;
    const [k, v, bias] = [splitRows(k_CHSd, sizes), splitRows(v_CHSd, sizes), splitRows(bias_C11S, sizes)];
    const mixed = this.batches(q_LHd).map((q_nHTd, i) =>
      attention(q_nHTd, k[i] as Tensor4D, v[i] as Tensor4D, bias[i] as Tensor4D),
    );
    return joinBatches(mixed);
  }

  /** Token rows to one batch per group. Shapes: x_LHd -> for each group of n clips of length S: [n, H, S, d]. */
  private batches(x_LHd: Tensor3D): Tensor4D[] {
    const [, numHeads, headDim] = x_LHd.shape;
    const parts = splitRows(
      x_LHd,
      this.groups.map(({ numClips, length }) => numClips * length),
    );
    return this.groups.map(({ numClips, length }, i) =>
      tf.transpose<Tensor4D>(tf.reshape(parts[i] as Tensor3D, [numClips, length, numHeads, headDim]), [0, 2, 1, 3]),
    );
  }
}

/** The batches' rows end to end, heads side by side. Shapes: for each group [n, H, S, d] -> x_LD, D = H d. */
function joinBatches(parts_nHSd: readonly Tensor4D[]): Tensor2D {
  const rows = parts_nHSd.map(rowsOfHeads);
  const [first] = rows;
  assert(first !== undefined, "a pack has clips");
  return rows.length === 1 ? first : tf.concat(rows, 0);
}

/** Shapes: x_nHSd -> [n S, H d]. */
export function rowsOfHeads(x_nHSd: Tensor4D): Tensor2D {
  const [numClips, numHeads, length, headDim] = x_nHSd.shape;
  return tf.reshape(tf.transpose(x_nHSd, [0, 2, 1, 3]), [numClips * length, numHeads * headDim]) as Tensor2D;
}

/** Splits the first axis into parts of these sizes; a single part is the tensor itself. */
function splitRows<T extends Tensor>(x: T, sizes: readonly number[]): T[] {
  return sizes.length === 1 ? [x] : tf.split<T>(x, [...sizes], 0);
}
