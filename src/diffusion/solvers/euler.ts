import { planMoves, type Solver } from "./solver.ts";

/** x' = x + (t' - t) v. Order 1, one question a step. */
export const euler: Solver = {
  numMemories: 0,
  plan: (times) =>
    planMoves(times, { numMemories: 0, stagesPerStep: 1 }, (moves, i) => {
      const [time, next] = moves.slice(i) as [number, number];
      return [{ time, next: [[next - time, 1]] }];
    }),
};
