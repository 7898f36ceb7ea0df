/** Times nearer to pure noise than this count as this one: there the logarithm has no end. As published solvers do. */
const MOST_NOISE = 1 - 1e-6;

/** Half the logarithm of the signal-to-noise ratio, ln((1 - t) / t). Infinite at t = 0. */
export function logSnr(time: number): number {
  const t = Math.min(time, MOST_NOISE);
  return Math.log((1 - t) / t);
}

/** How many earlier answers a step may use: all it is allowed to, but fewer at the start and before an arrival at 0. */
export function orderAt(highest: number, moves: readonly number[], index: number): number {
  const left = moves.length - 1 - index;
  return Math.min(highest, index + 1, moves.at(-1) === 0 ? left : highest);
}
