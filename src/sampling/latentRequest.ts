import { UserError } from "../base/errors.ts";
import { type Grid, gridKey, gridSize } from "../base/grid.ts";
import type { Patch } from "../models/patches/patchify.ts";
import type { LatentVideo } from "./latentVideo.ts";

/** A latent frame that is given. */
export interface KnownFrame {
  /** Its place among the clip's latent frames, from 0. */
  readonly frame: number;
  /** Its latent as the VAE makes it, not normalised. */
  readonly latent_hwz: Float32Array;
  /**
   * For a frame that is given roughly: the time in [0, 1], 1 = noise, that it is noised to, and at which it waits for the
   * others to be drawn on with them. Without it the frame stays as it is.
   */
  readonly until?: number;
}

/** A clip to start from instead of noise. */
export interface EditStart {
  /** A clip of the request's grid. */
  readonly from: LatentVideo;
  /** Share of the way from noise to clip that is taken again: 0 leaves the clip as it is, 1 starts from noise. */
  readonly strength: number;
}

/** A prompt that holds from a latent frame on. */
export interface TimedPrompt {
  readonly from: number;
  readonly prompt: string;
}

/**
 * A clip to draw, in latents. Frames that are given stand at time 0 and stay as they are, to the bit (but see
 * `KnownFrame.until`): the model sees them clean and draws the others. With `edit` the others start from a clip that is noised in part (arXiv:2108.01073).
 */
export interface LatentRequest {
  readonly prompt: string;
  /** What it shows later, in the order of `from`. Clips that are drawn by rolling alone can change what they show. */
  readonly later?: readonly TimedPrompt[];
  /** What it should not show, instead of what the guidance says for all. */
  readonly negative?: string;
  /** In latent cells; the model's patch divides it. */
  readonly grid: Grid;
  readonly known?: readonly KnownFrame[];
  readonly edit?: EditStart;
  /** Names the clip's noise. Without it the prompt and the grid do, and how often they came before in one call. */
  readonly noiseKey?: string;
}

/** @throws UserError when what is given does not fit the clip that is asked for. */
export function checkRequest({ grid, known = [], edit }: LatentRequest, patch: Patch, numChannels: number): void {
  const frameLength = grid.h * grid.w * numChannels;
  const given = new Set(known.map(({ frame }) => frame));
  for (const { frame, latent_hwz, until = 0 } of known) {
    if (!(until >= 0 && until <= 1)) {
      throw new UserError("given frame", { expected: "a time from 0 to 1 that it waits at", got: String(until) });
    }
    if (!Number.isInteger(frame) || frame < 0 || frame >= grid.t) {
      throw new UserError("given frame", { expected: `a latent frame from 0 to ${grid.t - 1}`, got: String(frame) });
    }
    if (latent_hwz.length !== frameLength) {
      const got = `${latent_hwz.length} values`;
      throw new UserError("given frame", { expected: `${frameLength} values of ${grid.h}x${grid.w} cells`, got });
    }
    const first = frame - (frame % patch[0]);
    for (let sibling = first; sibling < first + patch[0]; sibling++) {
      if (given.has(sibling)) continue;
      const expected = `frames that share a token with ${frame} given too, since dit.patch joins ${patch[0]}`;
      throw new UserError("given frame", { expected, got: `no frame ${sibling}` });
    }
  }
  if (given.size < known.length) throw new UserError("given frames", { expected: "each once", got: "one twice" });
  if (edit === undefined) return;
  if (!(edit.strength >= 0 && edit.strength <= 1)) {
    throw new UserError("edit strength", { expected: "a number from 0 to 1", got: String(edit.strength) });
  }
  const { grid: theirs, latent_thwz } = edit.from;
  if (gridKey(theirs) !== gridKey(grid) || latent_thwz.length !== gridSize(grid) * numChannels) {
    throw new UserError("edit", { expected: `a clip of ${gridKey(grid)} latent cells`, got: gridKey(theirs) });
  }
}
