import { assert } from "../../base/errors.ts";
import { boundFill } from "./bound.ts";
import type { Solution } from "./linearProgram.ts";
import { type PackingProblem, type Pattern, patternOf } from "./problem.ts";
import { RateProgram } from "./rates.ts";
import type { Refill } from "./refill.ts";

/** Of the packs filled in turn, the last of so many hold the grids that none before them held. */
const TURNS_FOR_RARE = 4;

/** Plans that are left for common grids at least where rare ones have packs of their own. */
const LEAST_FOR_COMMON = 3;
/** Packs that a linear program is given at most, and a gain that is worth one more. */
const MOST_PACKS = 400;
const WORTHWHILE = 1e-6;
/** Of the packs that may be left out, so many are tried: those drawn least. */
const RAREST_TRIED = 6;

/** Packs filled one after the other, each to mend what those before it left. */
export function filledInTurn(problem: PackingProblem, refill: Refill, leastTokens: number): Pattern[] {
  const { maxPlans, shares, packsPerClip } = problem;
  const wish = { rate: 1 / maxPlans, packsPerClip, prices: { error: 1, emptiness: 0 }, perFlop: 0, leastTokens };
  const drawn = shares.map(() => 0);
  return Array.from({ length: maxPlans }, (_, turn) => {
    const isForRare = turn >= maxPlans - Math.ceil(maxPlans / TURNS_FOR_RARE);
    const toCome = isForRare ? 0 : 1 - (turn + 1) / maxPlans;
    const pattern = refill.pack({ ...wish, drawn: drawn.map((share, i) => share + toCome * (shares[i] ?? 0)) });
    assert(pattern !== undefined, "a pack can hold as many tokens as it must");
    for (const [i, count] of pattern.counts.entries()) drawn[i] = (drawn[i] ?? 0) + (count * packsPerClip) / maxPlans;
    return pattern;
  });
}

/**
 * Packs for rare grids, one clip of each, and the best packs for the others by themselves: as many grids as there are
 * packs left are common. Empty where packs for rare grids leave none for others.
 */
export function rareAside(problem: PackingProblem): Pattern[] {
  const { maxPlans, shares } = problem;
  const byShare = shares.map((_, grid) => grid).sort((a, b) => at(shares, b) - at(shares, a) || a - b);
  for (let numCommon = Math.min(maxPlans, byShare.length); numCommon > 0; numCommon--) {
    const rare = firstFit(problem, byShare.slice(numCommon));
    if (numCommon + rare.length > maxPlans) continue;
    const common = byShare.slice(0, numCommon).sort((a, b) => a - b);
    return [...packsOf(problem, common).slice(0, maxPlans - rare.length), ...rare];
  }
  return [];
}

/**
 * Sets of `maxPlans` packs in which some packs hold the rare grids and the others were left of all that a linear program
 * asks for, those worth least taken out one by one. One set for each number of packs for rare grids; what each scores.
 */
export function leanSets(problem: PackingProblem, fillTarget: number, refill: Refill): LeanSet[] {
  const { maxPlans, shares, sizes } = problem;
  const byShare = shares.map((_, grid) => grid).sort((a, b) => at(shares, b) - at(shares, a) || a - b);
  const sets: LeanSet[] = [];
  let last = Math.max(1, maxPlans - LEAST_FOR_COMMON + 1);
  for (let numCommon = 0; numCommon <= byShare.length; numCommon++) {
    const rare = byShare.slice(numCommon).sort((a, b) => at(sizes, b) - at(sizes, a) || a - b);
    const packs = firstFit(problem, rare);
    if (packs.length >= last) continue;
    last = packs.length;
    const mostCommon = byShare[0] as number;
    const counts = new Int32Array(shares.length).fill(
      Math.floor(problem.tokens / at(sizes, mostCommon)),
      mostCommon,
      mostCommon + 1,
    );
    sets.push(leanSet({ problem, fillTarget, refill, rare: packs, first: patternOf(problem, counts) }));
  }
  return sets.sort((a, b) => a.objective - b.objective);
}

interface LeanSet {
  readonly patterns: readonly Pattern[];
  readonly objective: number;
}

interface LeanStart {
  readonly problem: PackingProblem;
  readonly fillTarget: number;
  readonly refill: Refill;
  readonly rare: readonly Pattern[];
  readonly first: Pattern;
}

/** A pattern and its column in a linear program. */
interface Column {
  readonly pattern: Pattern;
  readonly column: number;
}

function leanSet({ problem, fillTarget, refill, rare, first }: LeanStart): LeanSet {
  const program = new RateProgram(problem, fillTarget);
  const packs = [...rare, first].map((pattern) => ({ pattern, column: program.add(pattern) }));
  let solution = program.solve();
  while (packs.length < MOST_PACKS) {
    const pattern = refill.cheapest(program.reducedCosts(solution));
    if (pattern === undefined || program.gainOf(pattern, solution) < WORTHWHILE) break;
    packs.push({ pattern, column: program.add(pattern) });
    solution = program.solve();
  }
  while (packs.length > problem.maxPlans) {
    const [{ column } = { column: -1 }] = packs.splice(leastWorth(program, solution, packs, rare.length), 1);
    program.allow(column, false);
    solution = program.solve();
    program.remove(column);
  }
  return { patterns: packs.map(({ pattern }) => pattern), objective: solution.objective };
}

/** Which of the packs from `first` on the score misses least, of the few that are drawn least. */
function leastWorth(program: RateProgram, solution: Solution, packs: readonly Column[], first: number): number {
  const columns = packs.map(({ column }) => column);
  const times = program.timesOf(solution, columns);
  const after = columns.map((_, i) => i).slice(first);
  const rarest = after.sort((a, b) => at(times, a) - at(times, b) || a - b);
  if (at(times, at(rarest, 0)) === 0) return at(rarest, 0);
  const standing = program.keep();
  let [best, least] = [at(rarest, 0), Number.POSITIVE_INFINITY];
  for (const index of rarest.slice(0, RAREST_TRIED)) {
    program.allow(at(columns, index), false);
    const { objective } = program.solve();
    if (objective < least) [best, least] = [index, objective];
    program.restore(standing);
  }
  return best;
}

/** The packs that fill most, were these the only grids. */
function packsOf(problem: PackingProblem, grids: readonly number[]): Pattern[] {
  const total = grids.reduce((sum, grid) => sum + at(problem.shares, grid), 0);
  const part: PackingProblem = {
    ...problem,
    grids: grids.map((grid) => problem.grids[grid] as PackingProblem["grids"][number]),
    sizes: grids.map((grid) => at(problem.sizes, grid)),
    shares: grids.map((grid) => at(problem.shares, grid) / total),
    costs: grids.map((grid) => at(problem.costs, grid)),
  };
  return boundFill(part).patterns.map(({ counts }) => {
    const all = new Int32Array(problem.grids.length);
    for (const [i, count] of counts.entries()) all[grids[i] as number] = count;
    return patternOf(problem, all);
  });
}

/** One clip of each grid, in this order, each into the first pack that has room. */
function firstFit(problem: PackingProblem, grids: readonly number[]): Pattern[] {
  const packs: { room: number; readonly counts: Int32Array }[] = [];
  for (const grid of grids) {
    const size = at(problem.sizes, grid);
    let pack = packs.find(({ room }) => room >= size);
    if (pack === undefined) {
      pack = { room: problem.tokens, counts: new Int32Array(problem.grids.length) };
      packs.push(pack);
    }
    pack.room -= size;
    pack.counts[grid] = 1;
  }
  return packs.map(({ counts }) => patternOf(problem, counts));
}

function at(values: readonly number[], index: number): number {
  return values[index] as number;
}
