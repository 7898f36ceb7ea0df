import { logSnr, orderAt } from "./logSnr.ts";
import { mixed, planMoves, type Solver, unit } from "./solver.ts";

/** Places in a mix. */
const [V, X, BEFORE, SIZE] = [0, 1, 2, 3];

/**
 * DPM-Solver++(2M): two clean predictions D, the present and the one before, carried on in a straight line over the
 * logarithm of the signal-to-noise ratio. Order 2, one question a step; its first step, and the one that arrives at 0,
 * are Euler's. It remembers the prediction before. Source: arXiv:2211.01095, algorithm 2.
 */
export const dpmpp2m: Solver = {
  numMemories: 1,
  plan: (times) =>
    planMoves(times, { numMemories: 1, stagesPerStep: 1 }, (moves, i) => {
      const [time, next] = moves.slice(i) as [number, number];
      const clean = mixed([1, unit(X, SIZE)], [-time, unit(V, SIZE)]);
      const straight = mixed([1, unit(X, SIZE)], [next - time, unit(V, SIZE)]);
      if (orderAt(2, moves, i) === 1) return [{ time, next: [straight, clean] }];
      const step = logSnr(next) - logSnr(time);
      const stepBefore = logSnr(time) - logSnr(moves[i - 1] as number);
      const bend = ((1 - next) * -Math.expm1(-step) * step) / (2 * stepBefore);
      return [{ time, next: [mixed([1, straight], [bend, clean], [-bend, unit(BEFORE, SIZE)]), clean] }];
    }),
};
