import { gridKey } from "../../base/grid.ts";
import type { FillBound } from "./bound.ts";
import { Knapsack } from "./knapsack.ts";
import type { PackingProblem } from "./problem.ts";

interface Found {
  readonly plans: readonly unknown[];
  readonly fill: number;
  readonly frequencyError: number;
  readonly neglected: readonly unknown[];
  readonly bounds: { readonly fill: number; readonly plans: number };
}

/** Grids named in one sentence. */
const MAX_NAMED = 4;
/** How far a figure may be from its target before that needs a reason. */
const TOLERANCE = 1e-5;

/** Why plans miss their targets: what the linear program proves, what sums of tokens allow, how many plans it takes. */
export function explainMisses(problem: PackingProblem, found: Found, unlimited: FillBound): string[] {
  const { fill, frequencyError, tokens, maxPlans, sizes } = problem;
  const reasons: string[] = [];
  const isBounded = found.bounds.fill < fill - TOLERANCE;
  if (isBounded) {
    reasons.push(
      `no set of plans of ${tokens} tokens with a frequency error of at most ${frequencyError} fills more than ` +
        `${percent(found.bounds.fill)}: bound of the linear program over all packs`,
      ...loneGrids(problem),
    );
  }
  if (found.neglected.length > 0) {
    const proof = found.bounds.plans > maxPlans ? `: it takes at least ${found.bounds.plans}` : "";
    reasons.push(`${maxPlans} plans of ${tokens} tokens do not hold ${sizes.length} grids${proof}`);
  }
  const reachable = Math.min(fill, found.bounds.fill);
  const isEmptier = found.fill < reachable - TOLERANCE;
  const isOff = found.frequencyError > frequencyError + TOLERANCE;
  if (isEmptier || isOff) {
    const missed = [
      ...(isEmptier ? [`fill ${percent(found.fill)} of the ${percent(reachable)} that any number of plans allow`] : []),
      ...(isOff ? [`frequency error ${found.frequencyError.toFixed(4)}`] : []),
    ];
    const enough = unlimited.patterns.length;
    const way = enough > maxPlans && unlimited.reached >= reachable - TOLERANCE ? `; ${enough} plans would do` : "";
    reasons.push(`${maxPlans} plans for ${sizes.length} grids: ${missed.join(", ")}${way}`, ...ownPlans(problem));
  }
  return reasons;
}

/** Grids of which no two fit into a pack: what they leave of the plans is all that the others can be mixed in. */
function ownPlans({ sizes, shares, tokens, maxPlans }: PackingProblem): string[] {
  const large = shares.filter((_, i) => (sizes[i] as number) > tokens / 2);
  if (large.length < 2 || large.length === sizes.length) return [];
  const clips = large.reduce((sum, share) => sum + share, 0);
  return [
    `${large.length} of these grids, ${percent(clips)} of the clips, are larger than half a pack: each takes a plan ` +
      `of its own, of ${maxPlans}`,
  ];
}

/** Grids whose fullest pack is below the fill target, whatever stands beside them. */
function loneGrids({ grids, sizes, tokens, fill }: PackingProblem): string[] {
  const knapsack = new Knapsack(sizes, tokens);
  const lone = grids.flatMap((grid, i) => {
    const size = sizes[i] as number;
    const most = size + knapsack.mostFilled(tokens - size);
    return most < fill * tokens ? [`${gridKey(grid)} (${size} tokens): ${most}, ${percent(most / tokens)}`] : [];
  });
  if (lone.length === 0) return [];
  const more = lone.length > MAX_NAMED ? `, and ${lone.length - MAX_NAMED} more grids` : "";
  return [`the fullest packs of ${tokens} tokens that hold one: ${lone.slice(0, MAX_NAMED).join("; ")}${more}`];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
