import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { assert } from "../base/errors.ts";

/** Consecutive clips of a pack that have equally many tokens: one dense batch for attention. */
export interface ClipGroup {
  readonly numClips: number;
  /** Tokens of each clip. */
  readonly length: number;
}

/** Splits the first axis into parts of these sizes; a single part is the tensor itself. */
export function splitRows<T extends Tensor>(x: T, sizes: readonly number[]): T[] {
  return sizes.length === 1 ? [x] : tf.split<T>(x, [...sizes], 0);
}

/** Lays parts end to end along the first axis; a single part is itself. */
export function joinRows<T extends Tensor>(parts: readonly T[]): T {
  const [first] = parts;
  assert(first !== undefined, "there is at least one part");
  return parts.length === 1 ? first : tf.concat<T>([...parts], 0);
}

/** Token rows to one batch per group. Shapes: x_LHd -> for each group of n clips of length S: [n, H, S, d]. */
export function toGroups(x_LHd: Tensor3D, groups: readonly ClipGroup[]): Tensor4D[] {
  const [, numHeads, headDim] = x_LHd.shape;
  const parts = splitRows(
    x_LHd,
    groups.map(({ numClips, length }) => numClips * length),
  );
  return groups.map(({ numClips, length }, i) =>
    tf.transpose<Tensor4D>(tf.reshape(parts[i] as Tensor3D, [numClips, length, numHeads, headDim]), [0, 2, 1, 3]),
  );
}

/** The inverse, with the heads side by side. Shapes: for each group [n, H, S, d] -> x_LD, D = H d. */
export function fromGroups(parts_nHSd: readonly Tensor4D[]): Tensor2D {
  return joinRows(
    parts_nHSd.map((part) => {
      const [numClips, numHeads, length, headDim] = part.shape;
      return tf.reshape(tf.transpose(part, [0, 2, 1, 3]), [numClips * length, numHeads * headDim]) as Tensor2D;
    }),
  );
}
