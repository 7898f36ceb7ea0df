import { assert, UserError } from "../../base/errors.ts";
import { type Grid, gridKey, gridSize } from "../../base/grid.ts";

/** Cells of a latent that make one token: frames, rows, columns. */
export type Patch = readonly [t: number, h: number, w: number];

/** The grid of tokens that a latent grid falls into. @throws UserError when the patch does not divide it. */
export function tokenGrid(latent: Grid, [pt, ph, pw]: Patch, where = "patch"): Grid {
  if (latent.t % pt !== 0 || latent.h % ph !== 0 || latent.w % pw !== 0) {
    throw new UserError(where, {
      expected: `a latent grid that ${pt}x${ph}x${pw} divides`,
      got: gridKey(latent),
      try: "another patch or clip size",
    });
  }
  return { t: latent.t / pt, h: latent.h / ph, w: latent.w / pw };
}

/** The latent grid that falls into a grid of tokens. */
export function latentGridOf(tokens: Grid, [pt, ph, pw]: Patch): Grid {
  return { t: tokens.t * pt, h: tokens.h * ph, w: tokens.w * pw };
}

/** Values per token: cells of a patch times latent channels. */
export function patchWidth([pt, ph, pw]: Patch, numChannels: number): number {
  return pt * ph * pw * numChannels;
}

/**
 * A latent volume as rows of tokens, in order t, h, w; within a token pt, ph, pw, channel.
 * Shapes: latent_thwz -> [tokens, pt ph pw z], written into `into` when given.
 */
export function patchify(
  latent_thwz: Float32Array,
  latent: Grid,
  patch: Patch,
  into: Float32Array = new Float32Array(latent_thwz.length),
): Float32Array {
  eachRun(latent_thwz.length, latent, patch, (cell, token, size) => {
    for (let i = 0; i < size; i++) into[token + i] = latent_thwz[cell + i] as number;
  });
  return into;
}

/** The inverse of `patchify`. Shapes: [tokens, pt ph pw z] -> latent_thwz. */
export function unpatchify(
  tokens_LP: Float32Array,
  latent: Grid,
  patch: Patch,
  into: Float32Array = new Float32Array(tokens_LP.length),
): Float32Array {
  eachRun(tokens_LP.length, latent, patch, (cell, token, size) => {
    for (let i = 0; i < size; i++) into[cell + i] = tokens_LP[token + i] as number;
  });
  return into;
}

/** Calls with the two offsets of every stretch that lies together in both layouts: one row of one patch. */
function eachRun(
  length: number,
  latent: Grid,
  patch: Patch,
  visit: (cell: number, token: number, size: number) => void,
) {
  const tokens = tokenGrid(latent, patch);
  const [pt, ph, pw] = patch;
  const numChannels = length / gridSize(latent);
  assert(Number.isInteger(numChannels), `${length} values fill a grid of ${gridKey(latent)}`);
  const size = pw * numChannels;
  const tokenSize = patchWidth(patch, numChannels);
  for (let t = 0; t < latent.t; t++) {
    for (let h = 0; h < latent.h; h++) {
      const firstToken = (Math.floor(t / pt) * tokens.h + Math.floor(h / ph)) * tokens.w;
      const inToken = ((t % pt) * ph + (h % ph)) * size;
      const firstCell = (t * latent.h + h) * latent.w * numChannels;
      for (let w = 0; w < tokens.w; w++) {
        visit(firstCell + w * size, (firstToken + w) * tokenSize + inToken, size);
      }
    }
  }
}
