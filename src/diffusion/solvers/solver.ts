/**
 * A solver of the flow dx/dt = v(x, t) whose steps are linear: what a track becomes is a mix of the velocity, the point
 * and what the solver remembers, and the mix follows from the track's times alone. So a whole run is known as a table of
 * numbers before anything is computed, and one small program does the steps of every solver.
 */
export interface Solver {
  /** Tensors like x that it keeps from stage to stage. */
  readonly numMemories: number;
  /** The stages of each step of a track. @param times before each step and after the last, never growing. */
  plan(times: readonly number[]): Stage[][];
}

/** Coefficients of the velocity, the point, and the memories in order. */
export type Mix = readonly number[];

/** A question for the velocity and what follows from the answer. */
export interface Stage {
  /** The time of the point, at which the velocity is asked for. */
  readonly time: number;
  /** The next point, then the next memories. */
  readonly next: readonly Mix[];
}

/** Nothing moves, whatever the velocity. */
export function standing(time: number, numMemories: number): Stage {
  const size = numMemories + 1;
  return { time, next: Array.from({ length: size }, (_, row) => unit(row + 1, size + 1)) };
}

/** True when the stage changes neither the point nor a memory. */
export function stands({ next }: Stage): boolean {
  return next.every((mix, row) => mix.every((value, i) => value === (i === row + 1 ? 1 : 0)));
}

/**
 * Plans a track by its moves alone: where its times stand still it stands, and remembers.
 * @param plan the stages of each move; every step has `stagesPerStep`.
 */
export function planMoves(
  times: readonly number[],
  { numMemories, stagesPerStep }: { readonly numMemories: number; readonly stagesPerStep: number },
  plan: (moves: readonly number[], index: number) => Stage[],
): Stage[][] {
  const moves = times.filter((time, i) => time !== times[i - 1]);
  let done = 0;
  return times.slice(1).map((next, i) => {
    const time = times[i] as number;
    if (next !== time) return plan(moves, done++);
    return Array.from({ length: stagesPerStep }, () => standing(time, numMemories));
  });
}

/** The sum of mixes, each times its factor. */
export function mixed(...parts: readonly (readonly [factor: number, mix: Mix])[]): number[] {
  const size = parts[0]?.[1].length ?? 0;
  return Array.from({ length: size }, (_, i) =>
    parts.reduce((sum, [factor, mix]) => sum + factor * (mix[i] as number), 0),
  );
}

/** The mix that is entry `index` alone. */
export function unit(index: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => (i === index ? 1 : 0));
}
