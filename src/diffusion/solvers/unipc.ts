import { logSnr, orderAt } from "./logSnr.ts";
import { type Mix, mixed, planMoves, type Solver, unit } from "./solver.ts";

/** Places in a mix: the velocity, the point, the corrected point before, then clean predictions, newest first. */
const [V, X, BASE, FIRST] = [0, 1, 2, 3];

/**
 * UniPC, the variant B(h) = e^h - 1, on clean predictions: each answer first corrects the step that led to it, then
 * predicts the next. Predictor of this order, corrector of one more; one question a step. The first steps and those before
 * an arrival at 0 are of lower order. Source: arXiv:2302.04867, algorithms 1 and 2, eqs. 3 to 9.
 */
export function unipc(order: 2 | 3): Solver {
  const numMemories = order + 1;
  const size = numMemories + 2;
  /** A clean prediction made so many steps before this one. */
  const earlier = (steps: number) => unit(FIRST + steps - 1, size);
  return {
    numMemories,
    plan: (times) =>
      planMoves(times, { numMemories, stagesPerStep: 1 }, (moves, i) => {
        const time = moves[i] as number;
        const clean = mixed([1, unit(X, size)], [-time, unit(V, size)]);
        const history = [clean, ...Array.from({ length: order }, (_, steps) => earlier(steps + 1))];
        const here = i === 0 ? unit(X, size) : corrected(order, moves, i, history, size);
        const there = predicted(orderAt(order, moves, i), moves, i, here, history);
        return [{ time, next: [there, here, ...history.slice(0, order)] }];
      }),
  };
}

/** The step that led to move `i`, done again with the prediction that was made at its end. */
function corrected(
  order: number,
  moves: readonly number[],
  i: number,
  history: readonly Mix[],
  size: number,
): number[] {
  const [now, ...before] = history as [Mix, ...Mix[]];
  const used = orderAt(order, moves, i - 1);
  const step = stepOf(moves, i - 1);
  const nodes = [...nodesBefore(moves, i - 1, used), 1];
  const weights = used === 1 ? [0.5] : solve(...conditions(nodes, step.size));
  return advanced(step, unit(BASE, size), before, [...before.slice(1, used), now], nodes, weights);
}

/** The step from move `i` on. */
function predicted(used: number, moves: readonly number[], i: number, here: Mix, history: readonly Mix[]): number[] {
  const step = stepOf(moves, i);
  const nodes = nodesBefore(moves, i, used);
  const weights = used < 3 ? nodes.map(() => 0.5) : solve(...conditions(nodes, step.size));
  return advanced(step, here, history, history.slice(1, used), nodes, weights);
}

interface Step {
  readonly time: number;
  readonly next: number;
  /** In logarithms of the signal-to-noise ratio. */
  readonly size: number;
}

function stepOf(moves: readonly number[], i: number): Step {
  const [time, next] = moves.slice(i) as [number, number];
  return { time, next, size: logSnr(next) - logSnr(time) };
}

/** Where earlier predictions lie, in units of a step from its beginning: below 0. */
function nodesBefore(moves: readonly number[], i: number, used: number): number[] {
  const { time, size } = stepOf(moves, i);
  return Array.from({ length: used - 1 }, (_, k) => (logSnr(moves[i - 1 - k] as number) - logSnr(time)) / size);
}

/** The exact step for a clean prediction that stays, and a weighted sum of its slopes towards the others. */
function advanced(
  { time, next, size }: Step,
  from: Mix,
  [stays]: readonly Mix[],
  others: readonly Mix[],
  nodes: readonly number[],
  weights: readonly number[],
): number[] {
  const share = next / time;
  const bend = (1 - next) * -Math.expm1(-size);
  const slopes = nodes.flatMap((node, k) => {
    const factor = (bend * (weights[k] as number)) / node;
    return [[factor, others[k] as Mix] as const, [-factor, stays as Mix] as const];
  });
  return mixed([share, from], [1 - next - (1 - time) * share, stays as Mix], ...slopes);
}

/** Rows and right sides of the conditions that the weights at these nodes meet, one for each power. */
function conditions(nodes: readonly number[], stepSize: number): [rows: number[][], right: number[]] {
  const h = -stepSize;
  const right: number[] = [];
  let phi = Math.expm1(h) / h - 1;
  let factorial = 1;
  for (const power of nodes.keys()) {
    right.push((phi * factorial) / Math.expm1(h));
    factorial *= power + 2;
    phi = phi / h - 1 / factorial;
  }
  return [nodes.map((_, power) => nodes.map((node) => node ** power)), right];
}

/** Solves a small linear system. */
function solve(rows: readonly (readonly number[])[], right: readonly number[]): number[] {
  const table = rows.map((row, i) => [...row, right[i] as number]);
  const at = (row: number, column: number): number => table[row]?.[column] as number;
  for (const column of table.keys()) {
    const best = [...table.keys()]
      .slice(column)
      .reduce((a, b) => (Math.abs(at(b, column)) > Math.abs(at(a, column)) ? b : a));
    const pivot = table[best] as number[];
    table[best] = table[column] as number[];
    table[column] = pivot;
    for (const row of table.keys()) {
      if (row === column) continue;
      const factor = at(row, column) / (pivot[column] as number);
      table[row] = (table[row] as number[]).map((value, k) => value - factor * (pivot[k] as number));
    }
  }
  return table.map((row, i) => (row.at(-1) as number) / (row[i] as number));
}
