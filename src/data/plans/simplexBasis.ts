import type { SimplexVariables } from "./simplexVariables.ts";

/** Where a basis stood, and the bounds and what lay at an upper one outside of it. */
export interface Standing {
  readonly held: Int32Array;
  readonly inverse: Float64Array;
  readonly values: Float64Array;
  readonly duals: Float64Array;
  readonly upper: Float64Array;
  readonly isAtUpper: Uint8Array;
  readonly numPivots: number;
}

/** A variable that takes a place, how far it moves from its bound, its reduced cost, and where the other one goes. */
interface Replacement {
  readonly place: number;
  readonly entering: number;
  readonly step: number;
  readonly reduced: number;
  readonly goesUp: boolean;
}

/** Smaller coefficients are no pivots. */
export const LEAST_PIVOT = 1e-9;

/** As many variables as there are rows, with the explicit inverse of their entries, their values, and the rows' prices. */
export class SimplexBasis {
  /** The variable of each place. */
  readonly held: Int32Array;
  readonly values: Float64Array;
  readonly duals: Float64Array;
  /** How much each variable held falls for a unit of the one that `findDirection` was asked for. */
  readonly direction: Float64Array;
  readonly inverse: Float64Array;
  /** Pivots since the inverse was made. */
  numPivots = 0;
  /** Whether values and duals are those of what is held. */
  isCurrent = false;
  /** How far values may be outside their bounds. */
  slack = 0;
  /** Cells of the inverse written so far. */
  work = 0;
  private readonly variables: SimplexVariables;
  /** Places of a row of the inverse that are not 0. */
  private readonly filled: Int32Array;

  constructor(variables: SimplexVariables) {
    const count = variables.numRows;
    this.variables = variables;
    this.held = new Int32Array(count);
    this.inverse = new Float64Array(count * count);
    [this.values, this.duals, this.direction] = [0, 1, 2].map(() => new Float64Array(count)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    this.filled = new Int32Array(count);
    this.startEmpty();
  }

  /** The basis of the rows' sums. */
  startEmpty(): void {
    const count = this.variables.numRows;
    this.variables.place.fill(-1);
    this.inverse.fill(0);
    for (let row = 0; row < count; row++) {
      this.held[row] = row;
      this.variables.place[row] = row;
      this.inverse[row * count + row] = -1;
    }
    this.numPivots = 0;
    this.isCurrent = false;
  }

  /** What `restore` takes. */
  keep(): Standing {
    const { held, inverse, values, duals, numPivots } = this;
    const { upper, isAtUpper } = this.variables;
    return {
      held: held.slice(),
      inverse: inverse.slice(),
      values: values.slice(),
      duals: duals.slice(),
      upper: upper.slice(),
      isAtUpper: isAtUpper.slice(),
      numPivots,
    };
  }

  /** Goes back to how it stood, bounds included; columns that were added since are still to be removed. */
  restore({ held, inverse, values, duals, upper, isAtUpper, numPivots }: Standing): void {
    for (const variable of this.held) this.variables.place[variable] = -1;
    this.held.set(held);
    for (const [place, variable] of this.held.entries()) this.variables.place[variable] = place;
    this.inverse.set(inverse);
    this.values.set(values);
    this.duals.set(duals);
    this.variables.upper.set(upper);
    this.variables.isAtUpper.set(isAtUpper);
    this.numPivots = numPivots;
    this.isCurrent = true;
  }

  valueOf(variable: number): number {
    const place = at(this.variables.place, variable);
    if (place >= 0) return at(this.values, place);
    return at(this.variables.isAtUpper, variable) === 1
      ? at(this.variables.upper, variable)
      : at(this.variables.lower, variable);
  }

  /** Values of the basis, from those of all others. */
  findValues(): void {
    const { numRows: count, numVariables, place, rows, entries } = this.variables;
    const { inverse, values, direction: rest } = this;
    rest.fill(0);
    for (let variable = 0; variable < numVariables; variable++) {
      const value = at(place, variable) < 0 ? this.valueOf(variable) : 0;
      if (value === 0) continue;
      const first = variable * count;
      const end = first + at(this.variables.numEntries, variable);
      for (let k = first; k < end; k++) {
        const row = at(rows, k);
        rest[row] = at(rest, row) - at(entries, k) * value;
      }
    }
    for (let row = 0, cell = 0; row < count; row++) {
      let sum = 0;
      for (let k = 0; k < count; k++, cell++) sum += at(inverse, cell) * at(rest, k);
      values[row] = sum;
    }
  }

  /** Prices of the rows. */
  findDuals(): void {
    this.duals.fill(0);
    for (let place = 0; place < this.variables.numRows; place++)
      this.addDuals(place, at(this.variables.cost, at(this.held, place)));
  }

  /** Prices of the rows for what lies outside its bounds; whether anything does. */
  findViolationDuals(): boolean {
    const { lower, upper } = this.variables;
    const { held, values, slack } = this;
    let isOutside = false;
    this.isCurrent = false;
    this.duals.fill(0);
    for (let place = 0; place < this.variables.numRows; place++) {
      const [variable, value] = [at(held, place), at(values, place)];
      const sign = value < at(lower, variable) - slack ? -1 : value > at(upper, variable) + slack ? 1 : 0;
      if (sign !== 0) isOutside = true;
      this.addDuals(place, sign);
    }
    return isOutside;
  }

  /** The place of the basis whose variable is outside its bounds most; -1 when none is. */
  mostOutside(): number {
    const { lower, upper } = this.variables;
    const { held, values } = this;
    let found = -1;
    let most = this.slack;
    for (let place = 0; place < held.length; place++) {
      const variable = at(held, place);
      const value = at(values, place);
      const outside = Math.max(at(lower, variable) - value, value - at(upper, variable));
      if (outside <= most) continue;
      found = place;
      most = outside;
    }
    return found;
  }

  reducedCost(variable: number): number {
    const { rows, entries } = this.variables;
    const { duals } = this;
    let reduced = at(this.variables.cost, variable);
    const first = variable * this.variables.numRows;
    const end = first + at(this.variables.numEntries, variable);
    for (let k = first; k < end; k++) reduced -= at(duals, at(rows, k)) * at(entries, k);
    return reduced;
  }

  /** How much the variable at a place falls for a unit of another one. */
  entryAt(place: number, variable: number): number {
    const { rows, entries, numRows: count } = this.variables;
    const { inverse } = this;
    const first = variable * count;
    const end = first + at(this.variables.numEntries, variable);
    let sum = 0;
    for (let k = first; k < end; k++) sum += at(inverse, place * count + at(rows, k)) * at(entries, k);
    return sum;
  }

  /** How much each variable of the basis falls for a unit of another one. */
  findDirection(variable: number): void {
    for (let place = 0; place < this.variables.numRows; place++) this.direction[place] = this.entryAt(place, variable);
  }

  /** Puts a variable whose direction was found into a place of the basis, moved by a step from its bound. */
  replace(of: Replacement): void {
    const { place, entering, step, reduced, goesUp } = of;
    const { values, direction } = this;
    const value = this.valueOf(entering) + step;
    this.addDuals(place, reduced / at(direction, place));
    for (let row = 0; row < values.length; row++) values[row] = at(values, row) - step * at(direction, row);
    this.variables.isAtUpper[at(this.held, place)] = goesUp ? 1 : 0;
    this.variables.isAtUpper[entering] = 0;
    this.exchange(place, entering);
    values[place] = value;
  }

  /** Puts a variable whose direction was found into a place of the basis. */
  private exchange(place: number, entering: number): void {
    const { numRows: count } = this.variables;
    const { held, inverse, direction, filled } = this;
    const pivot = at(direction, place);
    const from = place * count;
    let numFilled = 0;
    for (let column = 0; column < count; column++) {
      const value = at(inverse, from + column) / pivot;
      inverse[from + column] = value;
      if (value !== 0) filled[numFilled++] = column;
    }
    for (let row = 0; row < count; row++) {
      const factor = at(direction, row);
      if (row === place || factor === 0) continue;
      const to = row * count;
      for (let k = 0; k < numFilled; k++) {
        const column = at(filled, k);
        inverse[to + column] = at(inverse, to + column) - factor * at(inverse, from + column);
      }
    }
    this.work += count * count;
    this.variables.place[at(held, place)] = -1;
    held[place] = entering;
    this.variables.place[entering] = place;
    this.numPivots++;
  }

  /** Takes a variable out of the basis, for the sum of a row. */
  expel(place: number): void {
    let [sum, largest] = [-1, -1];
    for (let row = 0; row < this.variables.numRows; row++) {
      const weight = Math.abs(at(this.inverse, place * this.variables.numRows + row));
      if (at(this.variables.place, row) < 0 && weight > largest) [sum, largest] = [row, weight];
    }
    this.findDirection(sum);
    this.exchange(place, sum);
    this.isCurrent = false;
  }

  /** The inverse of the basis anew, from that of the rows' sums: rounding does not pile up. */
  invert(): void {
    const wanted = this.held.slice();
    const stays = new Set(wanted);
    this.startEmpty();
    for (const variable of wanted) {
      if (variable < this.variables.numRows) continue;
      this.findDirection(variable);
      let [best, largest] = [-1, LEAST_PIVOT];
      for (let place = 0; place < this.variables.numRows; place++) {
        const pivot = stays.has(at(this.held, place)) ? 0 : Math.abs(at(this.direction, place));
        if (pivot > largest) [best, largest] = [place, pivot];
      }
      if (best >= 0) this.exchange(best, variable);
    }
    this.numPivots = 0;
  }

  private addDuals(place: number, cost: number): void {
    if (cost === 0) return;
    const { numRows: count } = this.variables;
    const { inverse, duals } = this;
    const from = place * count;
    for (let row = 0; row < count; row++) duals[row] = at(duals, row) + cost * at(inverse, from + row);
  }
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}
