import { z } from "zod";
import { assert } from "../base/errors.ts";
import { shiftSchema, shiftTime } from "./shift.ts";

export const samplerSchema = z.strictObject({
  kind: z
    .enum(["euler", "heun"])
    .default("euler")
    .describe("heun asks the model twice a step and errs by the square of the step."),
  steps: z.int().positive().default(30).describe("Steps from noise to clip."),
  shift: shiftSchema,
});
export type SamplerConfig = z.output<typeof samplerSchema>;

/** Values that move through time together: the tokens of a clip, or of one latent frame. */
export interface Track {
  /** Index of its first value and how many it has. */
  readonly first: number;
  readonly length: number;
  /** Its time before each step and after the last; equal neighbours stand still. */
  readonly times: readonly number[];
}

/** The velocity dx/dt at x, each track being at its own time. */
export type Velocity = (x: Float32Array, times: readonly number[]) => Promise<Float32Array>;

/** Times from 1 to 0, evenly spaced and then shifted by `a`. @returns steps + 1 times. */
export function noiseToClip(steps: number, a: number): number[] {
  return Array.from({ length: steps + 1 }, (_, i) => shiftTime(1 - i / steps, a));
}

/**
 * Follows the flow along every track's times. x is not changed.
 * Euler: x += (t' - t) v. Heun: v averaged over both ends, except where a track arrives at 0. Source: arXiv:2206.00364,
 * algorithm 1 without noise.
 * @param onStep told after each step how many are done.
 */
export async function followFlow(
  kind: SamplerConfig["kind"],
  velocity: Velocity,
  x: Float32Array,
  tracks: readonly Track[],
  onStep: (numDone: number) => void = () => {},
): Promise<Float32Array> {
  const numSteps = (tracks[0]?.times.length ?? 1) - 1;
  assert(
    tracks.every(({ times }) => times.length === numSteps + 1),
    "all tracks take as many steps",
  );
  let here: Float32Array = x.slice();
  for (let step = 0; step < numSteps; step++) {
    const now = tracks.map(({ times }) => times[step] as number);
    const next = tracks.map(({ times }) => times[step + 1] as number);
    const v = await velocity(here, now);
    const there = moved(here, tracks, (i, track) => (at(next, track) - at(now, track)) * at(v, i));
    if (kind === "heun" && next.some((t) => t > 0)) {
      const w = await velocity(there, next);
      const half = (track: number): number => (at(next, track) > 0 ? (at(next, track) - at(now, track)) / 2 : 0);
      here = moved(there, tracks, (i, track) => half(track) * (at(w, i) - at(v, i)));
    } else {
      here = there;
    }
    onStep(step + 1);
  }
  return here;
}

function moved(x: Float32Array, tracks: readonly Track[], change: (i: number, track: number) => number): Float32Array {
  const y = x.slice();
  for (const [track, { first, length }] of tracks.entries()) {
    for (let i = first; i < first + length; i++) y[i] = at(x, i) + change(i, track);
  }
  return y;
}

function at(list: ArrayLike<number>, i: number): number {
  return list[i] as number;
}
