import { assert } from "../../base/errors.ts";

/** A coefficient: of which row, or of which column, and its value. */
export type Entry = readonly [index: number, value: number];

export interface Solution {
  readonly objective: number;
  /** Value of each column. */
  readonly columns: Float64Array;
  /** Of each row: what the objective gains per unit that the row's bounds are raised by. */
  readonly duals: Float64Array;
}

/**
 * A column, or the sum of a row. Columns lie in [0, upper]; they are counted in units in which their largest entry is 1.
 */
interface Variable {
  readonly rows: Int32Array;
  readonly values: Float64Array;
  readonly cost: number;
  readonly unit: number;
  readonly lower: number;
  upper: number;
  /** Its row in the basis; -1 outside, where it lies at one of its bounds. */
  place: number;
  isAtUpper: boolean;
}

/** How far a value may be outside its bounds; the most that rounding is allowed to make of it. */
const FEASIBLE = 1e-9;
const MOST_INFEASIBLE = 1e-6;
/** A reduced cost on the wrong side of 0 by less counts as 0. */
const OPTIMAL = 1e-10;
/** Smaller coefficients are no pivots. */
const LEAST_PIVOT = 1e-9;
/** Pivots after which the inverse is made anew. */
const PIVOTS_PER_INVERSE = 80;
/** Steps without progress after which the first candidate enters, not the best one, so that no cycle lasts. */
const MAX_STALLED = 60;
/** Steps of a solve after which it starts again from an empty basis; a program of 45 rows takes a few dozen. */
const MAX_STEPS = 4000;

/**
 * A linear program to be minimised, of a few dozen rows, built row by row and column by column, solved again from where
 * it stood: the primal simplex method with bounds on an explicit inverse, which for so few rows is a tenth as long as a
 * call of a large solver. Sums, products and quotients alone, in one order: the same bits on every machine.
 * Source: Maros 2003, chapters 9 (infeasible starts) and 9.3.4 (the ratio test is that of Harris 1973).
 */
export class LinearProgram {
  /** Cells of the inverse read and written by steps so far: what the solves cost, the same on every machine. */
  work = 0;
  private readonly sums: Variable[] = [];
  private readonly columns: Variable[] = [];
  private basis: Variable[] = [];
  private inverse = new Float64Array();
  private values = new Float64Array();
  private duals = new Float64Array();
  private direction = new Float64Array();
  private numPivots = 0;
  /** How far values may be outside their bounds now. */
  private slack = FEASIBLE;

  /** An empty row with bounds; returns its index. All rows come before the first solve. */
  addRow(lower: number, upper: number): number {
    assert(this.basis.length === 0, "rows come before the first solve");
    const [rows, values] = [Int32Array.of(this.sums.length), Float64Array.of(-1)];
    const isAtUpper = !Number.isFinite(lower);
    return this.sums.push({ rows, values, cost: 0, unit: 1, lower, upper, place: -1, isAtUpper }) - 1;
  }

  /** A column in [0, upper]; returns its index. */
  addColumn(cost: number, upper: number, entries: readonly Entry[]): number {
    const unit = 1 / entries.reduce((largest, [, value]) => Math.max(largest, Math.abs(value)), 0);
    const rows = Int32Array.from(entries, ([row]) => row);
    const values = Float64Array.from(entries, ([, value]) => value * unit);
    const bounds = { lower: 0, upper: upper / unit };
    return this.columns.push({ rows, values, cost: cost * unit, unit, ...bounds, place: -1, isAtUpper: false }) - 1;
  }

  /** Bounds a column to [0, upper]. */
  changeUpper(column: number, upper: number): void {
    const variable = this.columns[column] as Variable;
    variable.upper = upper / variable.unit;
    if (!Number.isFinite(upper)) variable.isAtUpper = false;
  }

  removeLastColumn(): void {
    const variable = this.columns.pop();
    assert(variable !== undefined, "there is a column");
    if (variable.place >= 0) this.expel(variable.place);
  }

  /** The optimum. A program that has none is a bug of its maker. */
  solve(): Solution {
    if (this.basis.length === 0) this.startEmpty();
    if (!this.isOptimalAfter(MAX_STEPS, MAX_STALLED)) {
      this.startEmpty();
      assert(this.isOptimalAfter(100 * MAX_STEPS, 0), "the linear program has an optimum");
    }
    const columns = new Float64Array(this.columns.length);
    let objective = 0;
    for (const [i, variable] of this.columns.entries()) {
      const value = this.valueOf(variable);
      columns[i] = value * variable.unit;
      objective += variable.cost * value;
    }
    return { objective, columns, duals: this.duals.slice() };
  }

  /** Takes steps until none is left to take; false when there were too many. */
  private isOptimalAfter(maxSteps: number, maxStalled: number): boolean {
    this.slack = FEASIBLE;
    this.findValues();
    for (let [step, stalled] = [0, 0]; step < maxSteps; step++) {
      if (this.numPivots >= PIVOTS_PER_INVERSE) this.invert();
      const isFeasible = this.findDuals();
      this.work += this.basis.length ** 2;
      const entering = this.entering(isFeasible, stalled >= maxStalled);
      if (entering === undefined) {
        if (isFeasible) return true;
        this.allowMore();
        continue;
      }
      stalled = this.enter(entering) > FEASIBLE ? 0 : stalled + 1;
    }
    return false;
  }

  /** Where nothing brings what is outside its bounds nearer: rounding is taken out, then allowed for. */
  private allowMore(): void {
    if (this.numPivots === 0) this.slack *= 10;
    assert(this.slack <= MOST_INFEASIBLE, "the linear program has a solution");
    this.invert();
  }

  /** The basis of the rows' sums. */
  private startEmpty(): void {
    const count = this.sums.length;
    for (const variable of this.basis) variable.place = -1;
    this.basis = [...this.sums];
    for (const [row, variable] of this.basis.entries()) variable.place = row;
    this.inverse = new Float64Array(count * count);
    for (let row = 0; row < count; row++) this.inverse[row * count + row] = -1;
    [this.values, this.duals] = [new Float64Array(count), new Float64Array(count)];
    this.direction = new Float64Array(count);
    this.numPivots = 0;
    this.findValues();
  }

  private valueOf({ place, isAtUpper, lower, upper }: Variable): number {
    return place >= 0 ? at(this.values, place) : isAtUpper ? upper : lower;
  }

  /** Values of the basis, from those of all others. */
  private findValues(): void {
    const { basis, inverse, values } = this;
    const count = basis.length;
    const rest = new Float64Array(count);
    for (const list of [this.sums, this.columns]) {
      for (const variable of list) {
        const value = variable.place < 0 ? this.valueOf(variable) : 0;
        if (value === 0) continue;
        for (let k = 0; k < variable.rows.length; k++) {
          const row = at(variable.rows, k);
          rest[row] = at(rest, row) - at(variable.values, k) * value;
        }
      }
    }
    for (let place = 0; place < count; place++) {
      let sum = 0;
      for (let row = 0; row < count; row++) sum += at(inverse, place * count + row) * at(rest, row);
      values[place] = sum;
    }
  }

  /** Prices of the rows: of what lies outside its bounds while anything does, else of the objective. Which of the two. */
  private findDuals(): boolean {
    const { basis, inverse, values, duals } = this;
    const count = basis.length;
    const isFeasible = basis.every((variable, place) => this.violation(variable, at(values, place)) === 0);
    duals.fill(0);
    for (let place = 0; place < count; place++) {
      const variable = basis[place] as Variable;
      const cost = isFeasible ? variable.cost : this.violation(variable, at(values, place));
      if (cost === 0) continue;
      for (let row = 0; row < count; row++) duals[row] = at(duals, row) + cost * at(inverse, place * count + row);
    }
    return isFeasible;
  }

  /** -1 below its bounds, 1 above them, 0 within. */
  private violation({ lower, upper }: Variable, value: number): number {
    if (value < lower - this.slack) return -1;
    return value > upper + this.slack ? 1 : 0;
  }

  /** The variable that lowers the objective most per unit, or the first that lowers it. */
  private entering(isFeasible: boolean, takesFirst: boolean): Variable | undefined {
    let best: Variable | undefined;
    let most = OPTIMAL;
    for (const list of [this.sums, this.columns]) {
      for (const variable of list) {
        if (variable.place >= 0 || variable.upper <= variable.lower) continue;
        const reduced = this.reducedCost(variable, isFeasible);
        const gain = variable.isAtUpper ? reduced : -reduced;
        if (gain <= most) continue;
        if (takesFirst) return variable;
        [best, most] = [variable, gain];
      }
    }
    return best;
  }

  private reducedCost({ rows, values, cost }: Variable, isFeasible: boolean): number {
    let reduced = isFeasible ? cost : 0;
    for (let k = 0; k < rows.length; k++) reduced -= at(this.duals, at(rows, k)) * at(values, k);
    return reduced;
  }

  /** Moves a variable from its bound until another one stops it, which takes its place; how far it moved. */
  private enter(entering: Variable): number {
    const { basis, values, direction } = this;
    this.findDirection(entering);
    const sign = entering.isAtUpper ? 1 : -1;
    const { place, step } = this.stop(sign, entering.upper - entering.lower);
    assert(Number.isFinite(step), "the linear program is bounded");
    for (let row = 0; row < basis.length; row++) values[row] = at(values, row) + sign * step * at(direction, row);
    if (place < 0) {
      entering.isAtUpper = !entering.isAtUpper;
      return step;
    }
    const leaving = basis[place] as Variable;
    leaving.isAtUpper = isNearerUpper(leaving, at(values, place));
    const value = this.valueOf(entering) - sign * step;
    this.exchange(place, entering);
    values[place] = value;
    return step;
  }

  /** How much each variable of the basis falls for a unit of another one. */
  private findDirection({ rows, values }: Variable): void {
    const { inverse, direction } = this;
    const count = direction.length;
    for (let place = 0; place < count; place++) {
      let sum = 0;
      for (let k = 0; k < rows.length; k++) sum += at(inverse, place * count + at(rows, k)) * at(values, k);
      direction[place] = sum;
    }
  }

  /**
   * The first variable of the basis to reach a bound, or one that it lies outside of; of those that do so almost at
   * once the one with the largest pivot. Place -1 when the entering one crosses its own range first.
   */
  private stop(sign: number, range: number): { place: number; step: number } {
    let latest = range;
    for (let place = 0; place < this.basis.length; place++) {
      latest = Math.min(latest, this.reach(place, sign, this.slack));
    }
    let [chosen, largest] = [-1, 0];
    for (let place = 0; place < this.basis.length; place++) {
      const pivot = Math.abs(at(this.direction, place));
      if (pivot > largest && this.reach(place, sign, 0) <= latest) [chosen, largest] = [place, pivot];
    }
    const step = chosen < 0 ? range : Math.max(0, this.reach(chosen, sign, 0));
    return range <= step ? { place: -1, step: range } : { place: chosen, step };
  }

  /** How far the entering variable may go before the one at a place is beyond its next bound by a slack. */
  private reach(place: number, sign: number, slack: number): number {
    const speed = sign * at(this.direction, place);
    if (Math.abs(speed) < LEAST_PIVOT) return Number.POSITIVE_INFINITY;
    const { lower, upper } = this.basis[place] as Variable;
    const value = at(this.values, place);
    if (speed > 0) {
      if (value > upper + this.slack) return Number.POSITIVE_INFINITY;
      return ((value < lower - this.slack ? lower : upper) + slack - value) / speed;
    }
    if (value < lower - this.slack) return Number.POSITIVE_INFINITY;
    return ((value > upper + this.slack ? upper : lower) - slack - value) / speed;
  }

  /** Puts a variable whose direction was found into a place of the basis. */
  private exchange(place: number, entering: Variable): void {
    const { basis, inverse, direction } = this;
    const count = basis.length;
    const pivot = at(direction, place);
    const from = place * count;
    for (let column = 0; column < count; column++) inverse[from + column] = at(inverse, from + column) / pivot;
    for (let row = 0; row < count; row++) {
      const factor = at(direction, row);
      if (row === place || factor === 0) continue;
      const to = row * count;
      for (let column = 0; column < count; column++) {
        inverse[to + column] = at(inverse, to + column) - factor * at(inverse, from + column);
      }
    }
    this.work += count * count;
    (basis[place] as Variable).place = -1;
    basis[place] = entering;
    entering.place = place;
    this.numPivots++;
  }

  /** Takes a variable out of the basis, for the sum of a row. */
  private expel(place: number): void {
    const count = this.basis.length;
    const outside = this.sums.filter((sum) => sum.place < 0);
    const weight = ({ rows }: Variable): number => Math.abs(at(this.inverse, place * count + at(rows, 0)));
    const sum = outside.reduce((a, b) => (weight(b) > weight(a) ? b : a));
    this.findDirection(sum);
    this.exchange(place, sum);
  }

  /** The inverse of the basis anew, from that of the rows' sums: rounding does not pile up. */
  private invert(): void {
    const stays = new Set(this.basis);
    const wanted = this.basis.filter((variable) => !this.sums.includes(variable));
    this.startEmpty();
    for (const variable of wanted) {
      this.findDirection(variable);
      let [best, largest] = [-1, LEAST_PIVOT];
      for (const [place, held] of this.basis.entries()) {
        const pivot = stays.has(held) ? 0 : Math.abs(at(this.direction, place));
        if (pivot > largest) [best, largest] = [place, pivot];
      }
      if (best >= 0) this.exchange(best, variable);
    }
    this.numPivots = 0;
    this.findValues();
  }
}

function isNearerUpper({ lower, upper }: Variable, value: number): boolean {
  return Math.abs(value - upper) < Math.abs(value - lower);
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}
