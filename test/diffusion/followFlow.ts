import { planFlow } from "../../src/diffusion/solvers/flowPlan.ts";
import type { Mix, Solver } from "../../src/diffusion/solvers/solver.ts";

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

/**
 * Follows the flow along every track's times, in host memory. x is not changed.
 * @param onStep told after each step how many are done.
 */
export async function followFlow(
  solver: Solver,
  velocity: Velocity,
  x: Float32Array,
  tracks: readonly Track[],
  onStep: (numDone: number) => void = () => {},
): Promise<Float32Array> {
  const steps = planFlow(
    solver,
    tracks.map(({ times }) => times),
  );
  let state = [x, ...Array.from({ length: solver.numMemories }, () => new Float32Array(x.length))];
  for (const [step, stages] of steps.entries()) {
    for (const stage of stages) {
      const v = await velocity(
        state[0] as Float32Array,
        stage.map(({ time }) => time),
      );
      const known = [v, ...state];
      state = state.map((values, row) => {
        const next = values.slice();
        for (const [track, { next: mixes }] of stage.entries())
          mix(next, tracks[track] as Track, mixes[row] as Mix, known, row);
        return next;
      });
    }
    onStep(step + 1);
  }
  return (state[0] as Float32Array).slice();
}

function mix(
  into: Float32Array,
  { first, length }: Track,
  mixOf: Mix,
  known: readonly Float32Array[],
  row: number,
): void {
  if (mixOf.every((factor, i) => factor === (i === row + 1 ? 1 : 0))) return;
  for (let i = first; i < first + length; i++) {
    let sum = 0;
    for (const [k, factor] of mixOf.entries()) if (factor !== 0) sum += factor * (known[k]?.[i] as number);
    into[i] = sum;
  }
}
