import highs, { type Highs, type Model } from "highs";
import { assert } from "../../base/errors.ts";

/** The solver, ready for use. */
export type Solver = Highs;

/** A coefficient: of which row, or of which column, and its value. */
export type Entry = readonly [index: number, value: number];

export interface Solution {
  readonly objective: number;
  /** Value of each column. */
  readonly columns: Float64Array;
  /** Of each row: what the objective gains per unit that the row's bounds are raised by. */
  readonly duals: Float64Array;
}

let loading: Promise<Solver> | undefined;

/** HiGHS in WebAssembly, loaded at the first call: the same bits on every machine. */
export function loadSolver(): Promise<Solver> {
  const load: unknown = highs;
  assert(isLoader(load), "highs exports its loader");
  loading ??= load();
  return loading;
}

/** The package's types are those of its CommonJS form; as an ES module, its default export is the loader itself. */
function isLoader(value: unknown): value is typeof highs.default {
  return typeof value === "function";
}

/** A linear program to be minimised, built row by row and column by column, solved again from where it stood. */
export class LinearProgram {
  private readonly solver: Solver;
  private readonly model: Model;
  private numRows = 0;
  private numColumns = 0;

  constructor(solver: Solver) {
    this.solver = solver;
    this.model = solver.createModel();
    this.model.options.set({ output_flag: false });
  }

  /** An empty row with bounds; returns its index. */
  addRow(lower: number, upper: number): number {
    this.model.addRow(this.bound(lower), this.bound(upper), { indices: [], values: [] });
    return this.numRows++;
  }

  /** A column in [0, upper]; returns its index. */
  addColumn(cost: number, upper: number, entries: readonly Entry[]): number {
    const indices = entries.map(([row]) => row);
    this.model.addCol(cost, 0, this.bound(upper), { indices, values: entries.map(([, value]) => value) });
    return this.numColumns++;
  }

  /** Bounds a column to [0, upper]. */
  changeUpper(column: number, upper: number): void {
    this.model.changeColBounds(column, 0, this.bound(upper));
  }

  removeLastColumn(): void {
    this.numColumns--;
    this.model.deleteCols({ kind: "range", from: this.numColumns, to: this.numColumns });
  }

  /** The optimum. A program that has none is a bug of its maker. */
  solve(): Solution {
    this.model.run();
    if (!this.isSolved()) {
      this.model.clearSolver();
      this.model.run();
    }
    assert(this.isSolved(), `the linear program has an optimum (status ${this.model.getModelStatus()})`);
    const { colValue, rowDual } = this.model.getSolution();
    return { objective: this.model.getObjectiveValue(), columns: colValue, duals: rowDual };
  }

  /** Frees its memory, which is not garbage collected. */
  dispose(): void {
    this.model.dispose();
  }

  private isSolved(): boolean {
    return this.model.getModelStatus() === this.solver.constants.modelStatus.optimal;
  }

  private bound(value: number): number {
    if (Number.isFinite(value)) return value;
    return value > 0 ? this.solver.infinity : -this.solver.infinity;
  }
}
