import { assert } from "../../base/errors.ts";
import { boundFill } from "./bound.ts";
import { type PackingProblem, type Pattern, patternOf } from "./problem.ts";
import type { Refill } from "./refill.ts";

/** Of the packs filled in turn, the last of so many hold the grids that none before them held. */
const TURNS_FOR_RARE = 4;

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
