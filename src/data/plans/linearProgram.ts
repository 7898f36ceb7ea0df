import { assert } from "../../base/errors.ts";
import { LEAST_PIVOT, SimplexBasis, type Standing } from "./simplexBasis.ts";
import { type Entry, SimplexVariables } from "./simplexVariables.ts";

export interface Solution {
  readonly objective: number;
  /** Value of each column. */
  readonly columns: Float64Array;
  /** Of each row: what the objective gains per unit that the row's bounds are raised by. */
  readonly duals: Float64Array;
}

/** How far a value may be outside its bounds; the most that rounding is allowed to make of it. */
const FEASIBLE = 1e-9;
const MOST_INFEASIBLE = 1e-6;
/** A reduced cost on the wrong side of 0 by less counts as 0. */
const OPTIMAL = 1e-10;
/** Pivots after which the inverse is made anew. */
const PIVOTS_PER_INVERSE = 100;
/** Steps without progress after which the first candidate enters, not the best one, so that no cycle lasts. */
const MAX_STALLED = 60;
/** Steps of a solve after which it starts again from an empty basis; a program of 45 rows takes a few dozen. */
const MAX_STEPS = 4000;

/**
 * What a step does: lowers the objective; brings what is outside its bounds back while nothing could lower the objective
 * (the dual method); or brings it back whatever the objective does.
 */
type Phase = "lower" | "return" | "repair";

/**
 * A linear program to be minimised, of a few dozen rows, built row by row and column by column, solved again from where
 * it stood: the simplex method with bounds on an explicit inverse, which for so few rows is a small part of a call of a
 * large solver. Sums, products and quotients alone, in one order: the same bits on every machine.
 * Variables are the sums of the rows, then the columns; each lies at a bound unless it is in the basis.
 * Source: Maros 2003, chapters 9 (infeasible starts), 9.3.4 (the ratio test is that of Harris 1973) and 10 (dual).
 */
export class LinearProgram {
  private readonly variables = new SimplexVariables();
  private started: SimplexBasis | undefined;
  /** Whether no variable would lower the objective, were all within their bounds. */
  private isDualFeasible = false;
  /** Variables that `leave` weighs, how fast each moves the one that leaves, and what it costs. */
  private moving = new Int32Array();
  private speeds = new Float64Array();
  private losses = new Float64Array();
  private numSteps = 0;

  /** Cells of the inverse read and written by steps so far: what the solves cost, the same on every machine. */
  get work(): number {
    return this.numSteps * this.variables.numRows ** 2 + (this.started?.work ?? 0);
  }

  /** An empty row with bounds; returns its index. All rows come before the first column. */
  addRow(lower: number, upper: number): number {
    assert(this.started === undefined, "rows come before columns");
    return this.variables.addSum(lower, upper);
  }

  /** A column in [0, upper]; returns its index. */
  addColumn(cost: number, upper: number, entries: readonly Entry[]): number {
    this.start();
    this.isDualFeasible = false;
    return this.variables.addColumn(cost, upper, entries) - this.variables.numRows;
  }

  /** Bounds a column to [0, upper]. */
  changeUpper(column: number, upper: number): void {
    const variable = this.variables.numRows + column;
    this.variables.upper[variable] = upper / at(this.variables.unit, variable);
    if (at(this.variables.place, variable) >= 0) return;
    this.isDualFeasible = false;
    if (at(this.variables.isAtUpper, variable) === 1) this.basis.isCurrent = false;
    if (!Number.isFinite(upper)) this.variables.isAtUpper[variable] = 0;
  }

  /** Takes a column out; its index goes to the next that is added. */
  removeColumn(column: number): void {
    const { place, isAtUpper, numRows } = this.variables;
    const variable = numRows + column;
    if (at(place, variable) >= 0) this.basis.expel(at(place, variable));
    if (at(isAtUpper, variable) === 1) this.basis.isCurrent = false;
    this.variables.remove(variable);
  }

  /** The optimum. A program that has none is a bug of its maker. */
  solve(): Solution {
    return this.solveBelow(Number.POSITIVE_INFINITY) as Solution;
  }

  /** The optimum; undefined as soon as it is known to be above a limit, which is not always noticed. */
  solveBelow(limit: number): Solution | undefined {
    this.start();
    let end = this.endAfter(MAX_STEPS, MAX_STALLED, limit);
    if (end === "stuck") {
      this.basis.startEmpty();
      end = this.endAfter(100 * MAX_STEPS, 0, limit);
      assert(end !== "stuck", "the linear program has an optimum");
    }
    if (end === "above") return undefined;
    const columns = new Float64Array(this.variables.numVariables - this.variables.numRows);
    let objective = 0;
    for (let variable = this.variables.numRows; variable < this.variables.numVariables; variable++) {
      const value = this.basis.valueOf(variable);
      columns[variable - this.variables.numRows] = value * at(this.variables.unit, variable);
      objective += at(this.variables.cost, variable) * value;
    }
    return { objective, columns, duals: this.basis.duals.slice() };
  }

  /** What `restore` takes: the optimum. */
  keep(): Standing {
    if (2 * this.basis.numPivots > PIVOTS_PER_INVERSE) this.basis.invert();
    if (!this.basis.isCurrent || !this.isDualFeasible) this.solve();
    return this.basis.keep();
  }

  /** Goes back to how it stood, bounds included; columns that were added since are still to be removed. */
  restore(standing: Standing): void {
    this.basis.restore(standing);
    this.isDualFeasible = true;
  }

  private get basis(): SimplexBasis {
    assert(this.started !== undefined, "rows come before a solve");
    return this.started;
  }

  private start(): void {
    if (this.started !== undefined) return;
    this.variables.startRows();
    this.started = new SimplexBasis(this.variables);
  }

  /** Takes steps until none is left to take, or the optimum is above a limit, or there were too many. */
  private endAfter(maxSteps: number, maxStalled: number, limit: number): "optimal" | "above" | "stuck" {
    this.basis.slack = FEASIBLE;
    let phase = this.beginPhase(true);
    let room = phase === "return" && Number.isFinite(limit) ? limit - this.objective() : Number.POSITIVE_INFINITY;
    for (let [step, stalled] = [0, 0]; step < maxSteps; step++) {
      if (this.basis.numPivots >= PIVOTS_PER_INVERSE) {
        this.basis.invert();
        phase = this.beginPhase(stalled < maxStalled);
      }
      if (phase === "return" && stalled >= maxStalled) phase = "repair";
      if (phase === "repair") {
        if (!this.basis.findViolationDuals()) phase = this.beginPhase(false);
      }
      this.numSteps++;
      if (phase === "return") {
        const leaving = this.basis.mostOutside();
        if (leaving < 0) phase = "lower";
        else {
          const risen = this.leave(leaving);
          if (risen === undefined) phase = "repair";
          else {
            stalled = risen > OPTIMAL ? 0 : stalled + 1;
            room -= risen;
          }
          if (room < 0 && phase === "return") return "above";
          continue;
        }
      }
      const entering = this.entering(phase === "lower", stalled >= maxStalled);
      if (entering < 0) {
        if (phase === "lower") {
          this.isDualFeasible = true;
          return "optimal";
        }
        this.allowMore();
        continue;
      }
      stalled = this.enter(entering, phase === "lower") > FEASIBLE ? 0 : stalled + 1;
    }
    return "stuck";
  }

  private objective(): number {
    let sum = 0;
    for (let variable = this.variables.numRows; variable < this.variables.numVariables; variable++) {
      sum += at(this.variables.cost, variable) * this.basis.valueOf(variable);
    }
    return sum;
  }

  /** What is to be done, with values and duals anew where they are not those of the basis. */
  private beginPhase(mayReturn: boolean): Phase {
    if (!this.basis.isCurrent) {
      this.basis.findValues();
      this.basis.findDuals();
      this.isDualFeasible = false;
    }
    this.basis.isCurrent = true;
    if (this.basis.mostOutside() < 0) return "lower";
    return mayReturn && (this.isDualFeasible || this.entering(true, true) < 0) ? "return" : "repair";
  }

  /** Where nothing brings what is outside its bounds nearer: rounding is taken out, then allowed for. */
  private allowMore(): void {
    if (this.basis.numPivots === 0) this.basis.slack *= 10;
    assert(this.basis.slack <= MOST_INFEASIBLE, "the linear program has a solution");
    this.basis.invert();
    this.basis.findValues();
  }

  /** The variable that lowers the objective most per unit, or the first that lowers it; -1 when none does. */
  private entering(countsCosts: boolean, takesFirst: boolean): number {
    const { place, lower, upper, isAtUpper, cost, numRows: count, numVariables, rows, entries } = this.variables;
    const { duals } = this.basis;
    let best = -1;
    let most = OPTIMAL;
    for (let variable = 0; variable < numVariables; variable++) {
      if (at(place, variable) >= 0 || at(upper, variable) <= at(lower, variable)) continue;
      let reduced = countsCosts ? at(cost, variable) : 0;
      const first = variable * count;
      const end = first + at(this.variables.numEntries, variable);
      for (let k = first; k < end; k++) reduced -= at(duals, at(rows, k)) * at(entries, k);
      const gain = at(isAtUpper, variable) === 1 ? reduced : -reduced;
      if (gain <= most) continue;
      best = variable;
      most = gain;
      if (takesFirst) break;
    }
    return best;
  }

  /** Moves a variable from its bound until another one stops it, which takes its place; how far it moved. */
  private enter(entering: number, countsCosts: boolean): number {
    const { lower, upper } = this.variables;
    const { held, values, direction } = this.basis;
    this.basis.findDirection(entering);
    const sign = at(this.variables.isAtUpper, entering) === 1 ? 1 : -1;
    const { place, step } = this.stop(sign, at(upper, entering) - at(lower, entering));
    assert(Number.isFinite(step), "the linear program is bounded");
    if (place < 0) {
      for (let row = 0; row < held.length; row++) values[row] = at(values, row) + sign * step * at(direction, row);
      this.variables.isAtUpper[entering] = sign === 1 ? 0 : 1;
      return step;
    }
    const leaving = at(held, place);
    const value = at(values, place) + sign * step * at(direction, place);
    const goesUp = Math.abs(value - at(upper, leaving)) < Math.abs(value - at(lower, leaving));
    const reduced = countsCosts ? this.basis.reducedCost(entering) : 0;
    this.basis.replace({ place, entering, step: -sign * step, reduced, goesUp });
    return step;
  }

  /**
   * Moves the variable of a place to the bound that it is outside of; the one whose reduced cost is used up first takes
   * its place. How much the objective rose; undefined when no variable can move it.
   */
  private leave(place: number): number | undefined {
    const { lower, upper, isAtUpper, numVariables } = this.variables;
    const { held, values } = this.basis;
    const leaving = at(held, place);
    const goesUp = at(values, place) > at(upper, leaving);
    const bound = goesUp ? at(upper, leaving) : at(lower, leaving);
    const { place: places, rows, entries, numEntries, cost, numRows: count } = this.variables;
    const { inverse, duals } = this.basis;
    if (this.moving.length < numVariables) {
      this.moving = new Int32Array(2 * numVariables);
      [this.speeds, this.losses] = [new Float64Array(2 * numVariables), new Float64Array(2 * numVariables)];
    }
    const { moving, speeds, losses } = this;
    const from = place * count;
    let latest = Number.POSITIVE_INFINITY;
    let numMoving = 0;
    for (let variable = 0; variable < numVariables; variable++) {
      if (at(places, variable) >= 0 || at(upper, variable) <= at(lower, variable)) continue;
      let speed = 0;
      let loss = at(cost, variable);
      const first = variable * count;
      const end = first + at(numEntries, variable);
      for (let k = first; k < end; k++) {
        const row = at(rows, k);
        const entry = at(entries, k);
        speed += at(inverse, from + row) * entry;
        loss -= at(duals, row) * entry;
      }
      const isHigh = at(isAtUpper, variable) === 1;
      if (isHigh) loss = -loss;
      if (isHigh === goesUp) speed = -speed;
      if (speed <= LEAST_PIVOT) continue;
      if (loss < 0) loss = 0;
      moving[numMoving] = variable;
      speeds[numMoving] = speed;
      losses[numMoving++] = loss;
      latest = Math.min(latest, (loss + FEASIBLE) / speed);
    }
    let entering = -1;
    let largest = 0;
    let reduced = 0;
    for (let k = 0; k < numMoving; k++) {
      const speed = at(speeds, k);
      if (speed <= largest || at(losses, k) / speed > latest) continue;
      entering = at(moving, k);
      largest = speed;
      reduced = at(losses, k);
    }
    if (entering < 0) return undefined;
    this.basis.findDirection(entering);
    const pivot = at(this.basis.direction, place);
    if (Math.abs(pivot) < LEAST_PIVOT) return undefined;
    const rise = (reduced / largest) * Math.abs(at(values, place) - bound);
    if (at(isAtUpper, entering) === 1) reduced = -reduced;
    this.basis.replace({ place, entering, step: (at(values, place) - bound) / pivot, reduced, goesUp });
    return rise;
  }

  /**
   * The first variable of the basis to reach a bound, or one that it lies outside of; of those that do so almost at
   * once the one with the largest pivot. Place -1 when the entering one crosses its own range first.
   */
  private stop(sign: number, range: number): { place: number; step: number } {
    let latest = range;
    for (let place = 0; place < this.variables.numRows; place++)
      latest = Math.min(latest, this.reach(place, sign, this.basis.slack));
    let chosen = -1;
    let largest = 0;
    for (let place = 0; place < this.variables.numRows; place++) {
      const pivot = Math.abs(at(this.basis.direction, place));
      if (pivot <= largest || this.reach(place, sign, 0) > latest) continue;
      chosen = place;
      largest = pivot;
    }
    const step = chosen < 0 ? range : Math.max(0, this.reach(chosen, sign, 0));
    return range <= step ? { place: -1, step: range } : { place: chosen, step };
  }

  /** How far the entering variable may go before the one at a place is beyond its next bound by a slack. */
  private reach(place: number, sign: number, slack: number): number {
    const speed = sign * at(this.basis.direction, place);
    if (Math.abs(speed) < LEAST_PIVOT) return Number.POSITIVE_INFINITY;
    const variable = at(this.basis.held, place);
    const value = at(this.basis.values, place);
    const lower = at(this.variables.lower, variable);
    const upper = at(this.variables.upper, variable);
    if (speed > 0) {
      if (value > upper + this.basis.slack) return Number.POSITIVE_INFINITY;
      return ((value < lower - this.basis.slack ? lower : upper) + slack - value) / speed;
    }
    if (value < lower - this.basis.slack) return Number.POSITIVE_INFINITY;
    return ((value > upper + this.basis.slack ? upper : lower) - slack - value) / speed;
  }
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}
