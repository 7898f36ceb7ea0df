import assert from "node:assert/strict";
import type { Highs } from "highs";
import { KeyedRandom } from "../../../src/base/random.ts";
import { LinearProgram } from "../../../src/data/plans/linearProgram.ts";
import type { Entry } from "../../../src/data/plans/simplexVariables.ts";
import { loadHighs } from "./highs.ts";

interface Column {
  readonly cost: number;
  upper: number;
  readonly entries: readonly Entry[];
}

/** A program with a solution: rows hold a point that was drawn; costs are above 0 wherever a column has no bound. */
class RandomProgram {
  readonly rows: (readonly [lower: number, upper: number])[] = [];
  readonly columns: Column[] = [];
  private readonly random: KeyedRandom;
  private readonly sums: number[];

  constructor(trial: number) {
    this.random = new KeyedRandom(11, "test.linear program", trial);
    const numRows = 2 + this.random.int(20);
    this.sums = Array.from({ length: numRows }, () => 0);
    for (let i = 0; i < 3 + this.random.int(2 * numRows); i++) this.columns.push(this.drawn(true));
    for (const sum of this.sums) this.rows.push(this.boundsAround(sum));
  }

  /** @param isHeld whether the point that solves the program counts it. */
  drawn(isHeld: boolean): Column {
    const { random, sums } = this;
    const upper = random.int(3) === 0 ? 1 + random.int(4) : Number.POSITIVE_INFINITY;
    const cost = random.int(5) === 0 && upper < 9 ? -random.uniform() : random.int(4) * random.uniform();
    const scale = 10 ** (random.int(7) - 3);
    const entries = sums.flatMap((_, row): Entry[] =>
      random.int(3) === 0 ? [[row, scale * (random.int(7) - 3) || scale]] : [],
    );
    const value = isHeld && random.int(2) === 0 ? Math.min(upper, random.int(4)) : 0;
    for (const [row, entry] of entries) sums[row] = (sums[row] ?? 0) + entry * value;
    return { cost, upper, entries: entries.length > 0 ? entries : [[0, 1]] };
  }

  private boundsAround(sum: number): readonly [number, number] {
    const slack = this.random.uniform();
    const bounds = [
      [sum, sum],
      [sum - slack, sum + slack],
      [sum, Number.POSITIVE_INFINITY],
      [Number.NEGATIVE_INFINITY, sum + slack],
    ] as const;
    return this.random.pick(bounds);
  }
}

function objectiveByHighs(solver: Highs, { rows, columns }: RandomProgram): number {
  const model = solver.createModel();
  try {
    model.options.set({ output_flag: false });
    const bound = (value: number): number => (Number.isFinite(value) ? value : Math.sign(value) * solver.infinity);
    for (const [lower, upper] of rows) model.addRow(bound(lower), bound(upper), { indices: [], values: [] });
    for (const { cost, upper, entries } of columns) {
      const [indices, values] = [entries.map(([row]) => row), entries.map(([, value]) => value)];
      model.addCol(cost, 0, bound(upper), { indices, values });
    }
    model.run();
    assert.equal(model.getModelStatus(), solver.constants.modelStatus.optimal);
    return model.getObjectiveValue();
  } finally {
    model.dispose();
  }
}

/** That a solution keeps to every bound, and that its duals prove it to be the best: an independent certificate. */
function assertOptimal(wanted: RandomProgram, program: LinearProgram): number {
  const { objective, columns, duals } = program.solve();
  const sums = wanted.rows.map(() => 0);
  let bound = 0;
  for (const [i, { cost, upper, entries }] of wanted.columns.entries()) {
    const value = columns[i] ?? Number.NaN;
    const unit = Math.max(...entries.map(([, entry]) => Math.abs(entry)));
    assert.ok(value * unit >= -1e-7 && (value - upper) * unit <= 1e-7, `column ${i}: ${value} of ${upper}`);
    for (const [row, entry] of entries) sums[row] = (sums[row] ?? 0) + entry * value;
    const reduced = entries.reduce((rest, [row, entry]) => rest - (duals[row] ?? 0) * entry, cost);
    if (reduced < -1e-8 * unit) assert.ok(Number.isFinite(upper), `column ${i} would lower the objective`);
    if (Number.isFinite(upper)) bound += Math.min(0, reduced) * upper;
  }
  for (const [row, [lower, upper]] of wanted.rows.entries()) {
    const [sum, dual] = [sums[row] ?? 0, duals[row] ?? 0];
    assert.ok(sum >= lower - 1e-6 && sum <= upper + 1e-6, `row ${row}: ${sum} of [${lower}, ${upper}]`);
    if (Math.abs(dual) > 1e-9) bound += dual * (dual > 0 ? lower : upper);
  }
  assert.ok(Math.abs(bound - objective) < 1e-6 * (1 + Math.abs(objective)), `${objective} is told, ${bound} proven`);
  return objective;
}

describe("LinearProgram", () => {
  it("finds the optimum that another solver finds, again after columns came, went and were bounded", async () => {
    const solver = await loadHighs();
    for (let trial = 0; trial < 50; trial++) {
      const random = new KeyedRandom(12, "test.linear program changes", trial);
      const wanted = new RandomProgram(trial);
      const program = new LinearProgram();
      for (const [lower, upper] of wanted.rows) program.addRow(lower, upper);
      for (const { cost, upper, entries } of wanted.columns) program.addColumn(cost, upper, entries);
      const own = wanted.columns.length;
      for (let change = 0; change < 8; change++) {
        const [told, other] = [assertOptimal(wanted, program), objectiveByHighs(solver, wanted)];
        assert.ok(Math.abs(told - other) < 1e-6 * (1 + Math.abs(other)), `trial ${trial}: ${told}, HiGHS ${other}`);
        const last = wanted.columns.length - 1;
        if (last >= own && random.int(3) === 0) {
          program.removeColumn(last);
          wanted.columns.pop();
        } else if (last >= own && random.int(2) === 0) {
          const upper = random.int(2) === 0 ? 0 : 3;
          program.changeUpper(last, upper);
          (wanted.columns[last] as Column).upper = upper;
        } else {
          const column = wanted.drawn(false);
          program.addColumn(column.cost, column.upper, column.entries);
          wanted.columns.push(column);
        }
      }
    }
  });

  it("goes back to what was kept, and stops above a limit only where the optimum is above it", () => {
    let numStopped = 0;
    for (let trial = 0; trial < 60; trial++) {
      const wanted = new RandomProgram(trial);
      const program = new LinearProgram();
      for (const [lower, upper] of wanted.rows) program.addRow(lower, upper);
      for (const { cost, upper, entries } of wanted.columns) program.addColumn(cost, upper, entries);
      const free = { ...wanted.drawn(false), cost: -0.1, upper: 2 };
      const column = program.addColumn(free.cost, free.upper, free.entries);
      const { objective } = program.solve();
      const standing = program.keep();
      program.changeUpper(column, 0);
      const without = program.solve().objective;
      assert.ok(without >= objective - 1e-7);
      for (const limit of [objective, (objective + without) / 2, without + 1e-6]) {
        program.restore(standing);
        program.changeUpper(column, 0);
        const solution = program.solveBelow(limit);
        if (solution === undefined) numStopped++;
        assert.ok(solution === undefined ? without > limit : Math.abs(solution.objective - without) < 1e-6);
      }
      program.restore(standing);
      assert.ok(Math.abs(program.solve().objective - objective) < 1e-6);
    }
    assert.ok(numStopped > 10, `${numStopped} solves stopped`);
  });
});
