/** A coefficient: of which row, or of which column, and its value. */
export type Entry = readonly [index: number, value: number];

const FIRST_CAPACITY = 128;

/**
 * The variables of a linear program, the sums of its rows first, then its columns, in arrays of one value for each. Where
 * one is taken out, the next that is added takes its index.
 */
export class SimplexVariables {
  numRows = 0;
  numVariables = 0;
  /** Entries of each variable, at most as many as there are rows, one stretch after the other. */
  rows = new Int32Array();
  entries = new Float64Array();
  numEntries = new Int32Array(FIRST_CAPACITY);
  /** Columns are counted in units in which their largest entry is 1. */
  unit = new Float64Array(FIRST_CAPACITY);
  cost = new Float64Array(FIRST_CAPACITY);
  lower = new Float64Array(FIRST_CAPACITY);
  upper = new Float64Array(FIRST_CAPACITY);
  /** At which of its bounds each lies outside the basis; its row of the basis, -1 outside. */
  isAtUpper = new Uint8Array(FIRST_CAPACITY);
  place = new Int32Array(FIRST_CAPACITY);
  private readonly free: number[] = [];

  /** The sum of a row, within bounds; all rows come before the first column. */
  addSum(lower: number, upper: number): number {
    const row = this.numRows++;
    this.add({ cost: 0, unit: 1, lower, upper });
    this.isAtUpper[row] = Number.isFinite(lower) ? 0 : 1;
    return row;
  }

  addColumn(cost: number, upper: number, entries: readonly Entry[]): number {
    const unit = 1 / entries.reduce((largest, [, value]) => Math.max(largest, Math.abs(value)), 0);
    const variable = this.add({ cost: cost * unit, unit, lower: 0, upper: upper / unit });
    const first = variable * this.numRows;
    for (const [k, [row, value]] of entries.entries()) {
      this.rows[first + k] = row;
      this.entries[first + k] = value * unit;
    }
    this.numEntries[variable] = entries.length;
    return variable;
  }

  /** Takes out a column that is outside the basis. */
  remove(variable: number): void {
    this.numEntries[variable] = 0;
    this.upper[variable] = 0;
    this.isAtUpper[variable] = 0;
    this.free.push(variable);
  }

  /** Room for entries, once all rows are there: each row's sum has one of -1. */
  startRows(): void {
    const count = this.numRows;
    this.rows = new Int32Array(count * this.place.length);
    this.entries = new Float64Array(count * this.place.length);
    for (let row = 0; row < count; row++) {
      this.rows[row * count] = row;
      this.entries[row * count] = -1;
      this.numEntries[row] = 1;
    }
  }

  private add(of: { cost: number; unit: number; lower: number; upper: number }): number {
    const variable = this.free.pop() ?? this.numVariables++;
    if (variable >= this.place.length) this.grow();
    this.cost[variable] = of.cost;
    this.unit[variable] = of.unit;
    this.lower[variable] = of.lower;
    this.upper[variable] = of.upper;
    this.isAtUpper[variable] = 0;
    this.place[variable] = -1;
    return variable;
  }

  private grow(): void {
    this.numEntries = doubled(this.numEntries);
    this.cost = doubled(this.cost);
    this.unit = doubled(this.unit);
    this.lower = doubled(this.lower);
    this.upper = doubled(this.upper);
    this.isAtUpper = doubled(this.isAtUpper);
    this.place = doubled(this.place);
    this.rows = doubled(this.rows);
    this.entries = doubled(this.entries);
  }
}

function doubled<T extends Float64Array | Int32Array | Uint8Array>(values: T): T {
  const wider = new (values.constructor as new (length: number) => T)(2 * values.length);
  wider.set(values);
  return wider;
}
