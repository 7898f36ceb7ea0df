import { planMoves, type Solver, standing } from "./solver.ts";

/**
 * Velocities of both ends of a step, averaged: order 2, two questions a step. A step that arrives at 0 is Euler's: at no
 * noise the velocity is not known. It remembers the point half a step on. Source: arXiv:2206.00364, algorithm 1 without noise.
 */
export const heun: Solver = {
  numMemories: 1,
  plan: (times) =>
    planMoves(times, { numMemories: 1, stagesPerStep: 2 }, (moves, i) => {
      const [time, next] = moves.slice(i) as [number, number];
      const move = next - time;
      const there = {
        time,
        next: [
          [move, 1, 0],
          [move / 2, 1, 0],
        ],
      };
      const better = {
        time: next,
        next: [
          [move / 2, 0, 1],
          [0, 0, 1],
        ],
      };
      return [there, next > 0 ? better : standing(next, 1)];
    }),
};
