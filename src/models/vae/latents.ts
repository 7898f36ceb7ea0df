import { z } from "zod";
import { assert } from "../../base/errors.ts";

/** Mean and standard deviation of each latent channel over a dataset, as stored with a VAE. */
export const latentStatsSchema = z.strictObject({
  mean: z.array(z.number()),
  std: z.array(z.number().positive()),
});
export type LatentStats = z.output<typeof latentStatsSchema>;

const smallestStd = 1e-6;

/** (z - mean) / std per channel, in place. The last axis is the channels. */
export function normaliseLatents(latents: Float32Array, { mean, std }: LatentStats): Float32Array {
  return eachValue(latents, mean.length, (value, channel) => (value - at(mean, channel)) / at(std, channel));
}

/** The inverse, in place. */
export function denormaliseLatents(latents: Float32Array, { mean, std }: LatentStats): Float32Array {
  return eachValue(latents, mean.length, (value, channel) => value * at(std, channel) + at(mean, channel));
}

/**
 * Statistics that even the channels out only in part: a channel is divided by its deviation to the power `whitening`,
 * then all by one number that brings their mean square to 1. 1 gives every channel unit variance; less leaves those
 * that carry most of the picture more of it.
 * @param whitening in [0, 1].
 */
export function partlyWhitened({ mean, std }: LatentStats, whitening: number): LatentStats {
  const softened = std.map((deviation) => deviation ** whitening);
  const meanSquare = std.reduce((sum, deviation, i) => sum + (deviation / at(softened, i)) ** 2, 0) / std.length;
  return { mean, std: softened.map((deviation) => deviation * Math.sqrt(meanSquare)) };
}

/** Gathers the statistics of any number of latents, in float64 (Welford's recurrence, per channel). */
export class LatentMoments {
  private readonly means: Float64Array;
  private readonly squares: Float64Array;
  private numCells = 0;

  constructor(numChannels: number) {
    this.means = new Float64Array(numChannels);
    this.squares = new Float64Array(numChannels);
  }

  /** Shapes: [..., z]. */
  add(latents: Float32Array): void {
    const numChannels = this.means.length;
    for (let first = 0; first < latents.length; first += numChannels) {
      this.numCells++;
      for (let channel = 0; channel < numChannels; channel++) {
        const value = latents[first + channel] as number;
        const before = value - at(this.means, channel);
        this.means[channel] = at(this.means, channel) + before / this.numCells;
        this.squares[channel] = at(this.squares, channel) + before * (value - at(this.means, channel));
      }
    }
  }

  /** A channel that never varies gets a tiny deviation instead of zero. */
  stats(): LatentStats {
    assert(this.numCells > 0, "latent statistics are of at least one cell");
    const std = Array.from(this.squares, (square) => Math.max(Math.sqrt(square / this.numCells), smallestStd));
    return { mean: [...this.means], std };
  }
}

function eachValue(latents: Float32Array, numChannels: number, fn: (value: number, channel: number) => number) {
  assert(latents.length % numChannels === 0, `latents have ${numChannels} channels`);
  for (let i = 0; i < latents.length; i++) latents[i] = fn(latents[i] as number, i % numChannels);
  return latents;
}

function at(list: ArrayLike<number>, i: number): number {
  return list[i] as number;
}
