import { type Grid, gridKey, gridSize } from "../../base/grid.ts";
import type { Redraw } from "../../data/plans/assign.ts";
import type { PlanSet } from "../../data/plans/choosePlans.ts";
import { type CostModel, packCost } from "../../data/plans/cost.ts";
import type { PackingDecision } from "../../data/plans/decide.ts";
import { drawnShares, tokensIn } from "../../data/plans/plan.ts";

export interface DrawingStyle {
  /** Columns of the terminal. */
  readonly columns: number;
  /** Whether to paint clips; else they are letters. */
  readonly isColoured: boolean;
}

const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const SIGNS = [..."0123456789+*#@%&=$?!"];
/** Of the 256 terminal colours: bright enough for black letters, neighbours far apart. */
const PAINTS = [117, 215, 120, 211, 228, 147, 80, 180, 205, 155, 111, 222, 158, 176, 209, 115, 189, 186, 140, 73];
const LEAST_BAR = 20;
const MOST_BAR = 72;
/** Columns of a line beside its bar. */
const BESIDE_BAR = 42;

/** A decision as lines of text: a bar of grids for each plan, a legend, and what is to be known of it. */
export function drawPacking(decision: PackingDecision, cost: CostModel, style: DrawingStyle): string[] {
  const { tokens } = decision;
  const set = decision.mode === "plans" ? decision : decision.rejected;
  const marks = new Map(decision.draws.map(({ grid }, i) => [gridKey(grid), markOf(i)]));
  const masked =
    decision.mode === "masked"
      ? [
          `masked packs of ${tokens} tokens in rows of ${Math.floor(tokens / decision.rows)}, at most ${decision.maxClips} clips`,
        ]
      : [];
  return [
    ...masked,
    ...(set === undefined ? [] : planLines(set, tokens, marks, cost, style)),
    "",
    ...legend(decision, set, marks, style),
    ...decision.cut.map((redraw) => redrawLine("cut in time", redraw)),
    ...decision.merged.map((redraw) => redrawLine("rare, cropped", redraw)),
    ...decision.explanations,
  ];
}

/** `1.2 GFLOP`. */
export function flopsText(flops: number): string {
  const units = ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"];
  let [value, unit] = [flops, 0];
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
  return `${value.toPrecision(3)} ${units[unit]}`;
}

interface Mark {
  readonly letter: string;
  readonly paint: number;
}

function markOf(index: number): Mark {
  const letter = [...LETTERS, ...SIGNS][index % (LETTERS.length + SIGNS.length)] as string;
  return { letter, paint: PAINTS[index % PAINTS.length] as number };
}

function planLines(
  { plans, fill, frequencyError, maxCostRatio }: PlanSet,
  tokens: number,
  marks: ReadonlyMap<string, Mark>,
  cost: CostModel,
  style: DrawingStyle,
): string[] {
  const width = Math.max(LEAST_BAR, Math.min(MOST_BAR, style.columns - BESIDE_BAR));
  const count = plans.length === 1 ? "1 plan" : `${plans.length} plans`;
  return [
    `${count} of ${tokens} tokens: fill ${percent(fill)}, frequency error ${frequencyError.toFixed(4)}, ` +
      `dearest step ${maxCostRatio.toFixed(2)} times the cheapest`,
    "",
    `${"share".padStart(8)}  ${"grids".padEnd(width)}  ${"tokens".padStart(6)}  ${"fill".padStart(7)}  ${"a step".padStart(11)}`,
    ...plans.map(({ grids, rate }) => {
      const used = tokensIn(grids);
      const figures = [`${used}`.padStart(6), percent(used / tokens).padStart(7)];
      const flops = flopsText(packCost(cost, grids)).padStart(11);
      return `${percent(rate).padStart(8)}  ${bar(grids, tokens, width, marks, style)}  ${figures.join("  ")}  ${flops}`;
    }),
  ];
}

/** Clips end to end, each as wide as its share of the tokens. Of two alike, the second is written small. */
function bar(
  grids: readonly Grid[],
  tokens: number,
  width: number,
  marks: ReadonlyMap<string, Mark>,
  { isColoured }: DrawingStyle,
): string {
  let [used, column, text, isSmall] = [0, 0, "", false];
  for (const [i, grid] of grids.entries()) {
    const { letter, paint } = marks.get(gridKey(grid)) as Mark;
    const before = grids[i - 1];
    isSmall = before !== undefined && gridKey(before) === gridKey(grid) && !isSmall;
    used += gridSize(grid);
    const cells = Math.round((used / tokens) * width) - column;
    column += cells;
    if (cells === 0) continue;
    const shown = isSmall ? letter.toLowerCase() : letter;
    text += isColoured ? painted(letter.padEnd(cells), paint) : shown.repeat(cells);
  }
  return text + "·".repeat(width - column);
}

function painted(text: string, paint: number): string {
  return `\x1b[30;48;5;${paint}m${text}\x1b[0m`;
}

function legend(
  { draws }: PackingDecision,
  set: PlanSet | undefined,
  marks: ReadonlyMap<string, Mark>,
  { isColoured }: DrawingStyle,
): string[] {
  const drawn = set === undefined ? undefined : drawnShares(set.plans);
  const keyWidth = Math.max(4, ...draws.map(({ grid }) => gridKey(grid).length));
  return [
    `   ${"grid".padEnd(keyWidth)}  tokens   wanted    drawn`,
    ...draws.map(({ grid, wanted }) => {
      const key = gridKey(grid);
      const { letter, paint } = marks.get(key) as Mark;
      const mark = isColoured ? painted(letter, paint) : letter;
      const shown = percent(drawn === undefined ? wanted : (drawn.get(key) ?? 0)).padStart(8);
      return `${mark}  ${key.padEnd(keyWidth)}  ${`${gridSize(grid)}`.padStart(6)} ${percent(wanted).padStart(8)} ${shown}`;
    }),
  ];
}

function redrawLine(what: string, { from, to, count }: Redraw): string {
  const clips = Number.isInteger(count) ? `${count} ${count === 1 ? "clip" : "clips"}` : `weight ${count.toFixed(2)}`;
  return `${what}: ${gridKey(from)} is drawn as ${gridKey(to)} (${clips})`;
}

function percent(share: number): string {
  const value = 100 * share;
  return `${value > 0 && value < 0.1 ? value.toPrecision(1) : value.toFixed(1)} %`;
}
