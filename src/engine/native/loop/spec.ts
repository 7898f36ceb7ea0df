/** Functions of one value, place by place. */
export const LOOP_UNARY = ["neg", "sqrt", "reciprocal", "exp", "sigmoid"] as const;
/** Functions of two values, place by place. */
export const LOOP_BINARY = ["add", "sub", "mul", "div", "max", "min"] as const;
/** Reductions over the columns of a row. */
export const LOOP_REDUCE = ["sum", "reduceMax"] as const;

/** The sum over the rows of one outermost index, for each column. It is a result only: no step may read it. */
export const LOOP_DOWN = "sumDown";

/**
 * Rotary embedding: of x, cos and sin, (a, b) -> (a cos - b sin, b cos + a sin) for the halves a and b of a row. cos and
 * sin are inputs of half a row, which nothing else reads; rows have an even number of whole vectors.
 */
export const LOOP_TURN = "turn";

export type LoopUnary = (typeof LOOP_UNARY)[number];
export type LoopBinary = (typeof LOOP_BINARY)[number];
export type LoopReduce = (typeof LOOP_REDUCE)[number];

/** One step of a loop's body; `of` are the numbers of earlier steps. */
export type LoopStep =
  | { readonly op: "input"; readonly input: number }
  | { readonly op: "constant"; readonly value: number }
  | { readonly op: LoopUnary | LoopReduce | typeof LOOP_DOWN; readonly of: readonly [number] }
  | { readonly op: LoopBinary; readonly of: readonly [number, number] }
  | { readonly op: typeof LOOP_TURN; readonly of: readonly [number, number, number] };

/**
 * A chain of elementwise operations and sums along rows, done in one pass over memory.
 * Space: outer sides, the columns last. A step's value is one number for each place, or one for each row; sums down
 * the rows, in spaces of three sides, have one for each outermost index and column.
 */
export interface LoopSpec {
  readonly sides: readonly number[];
  /** Per input and axis of the space: elements from one place to the next; 0 repeats. Along columns: 1 or 0. */
  readonly inputs: readonly (readonly number[])[];
  /** Per input, the first element that is read; none: all start at 0. */
  readonly starts?: readonly number[];
  readonly body: readonly LoopStep[];
  readonly outputs: readonly { readonly step: number; readonly shape: readonly number[] }[];
}

/** How a value varies: over every place, over rows only, over the columns of an outermost index, or not at all. */
export type Extent = "place" | "row" | "column" | "loop";

/** What the emitter needs to know of one step. */
export interface StepFacts {
  readonly extent: Extent;
  /** Number of sums along the row that must be done before: the pass over the row in which the step is computed. */
  readonly pass: number;
}

/** Extent and pass of every step. */
export function factsOf({ inputs, body }: LoopSpec): StepFacts[] {
  const facts: StepFacts[] = [];
  for (const step of body) facts.push(factOf(step, { inputs, body }, facts));
  return facts;
}

/** Extent and pass of one step of a loop, from those of the steps before it. */
export function factOf(
  step: LoopStep,
  { inputs, body }: Pick<LoopSpec, "inputs" | "body">,
  earlier: readonly StepFacts[],
): StepFacts {
  if (step.op === "constant") return { extent: "loop", pass: 0 };
  if (step.op === "input") return { extent: extentOf(inputs[step.input] ?? []), pass: 0 };
  const fact = derived(
    step,
    step.of.map((id) => earlier[id] as StepFacts),
  );
  // The other half of a row is there once the pass that computes it is over.
  const waits = step.op === LOOP_TURN && body[step.of[0]]?.op !== "input";
  return waits ? { ...fact, pass: fact.pass + 1 } : fact;
}

/** Outputs are dense; those of rows have one number for each, sums down the rows one row for each outermost index. */
export function outputStrides(sides: readonly number[], { extent }: StepFacts): number[] {
  if (extent === "column") return [sides.at(-1) ?? 1, 0, 1];
  const isRow = extent !== "place";
  return sides.map((_, axis) => {
    if (axis === sides.length - 1) return isRow ? 0 : 1;
    const inner = sides.slice(axis + 1, isRow ? -1 : undefined);
    return inner.reduce((product, side) => product * side, 1);
  });
}

function extentOf(strides: readonly number[]): Extent {
  if (strides.at(-1) !== 0) return "place";
  return strides.some((stride) => stride !== 0) ? "row" : "loop";
}

function derived({ op }: LoopStep, operands: readonly StepFacts[]): StepFacts {
  const pass = Math.max(...operands.map((operand) => operand.pass));
  if (isReduction(op)) return { extent: "row", pass: pass + 1 };
  if (op === LOOP_DOWN) return { extent: "column", pass };
  const extents = operands.map(({ extent }) => extent);
  const extent = extents.includes("place") ? "place" : extents.includes("row") ? "row" : "loop";
  // What holds for the whole loop is computed once, before the first row.
  return { extent, pass };
}

/** The pass in which a step reads its operands. */
export function passOfUse({ op }: LoopStep, { pass }: StepFacts): number {
  return isReduction(op) ? pass - 1 : pass;
}

/** Numbers of the steps that a step reads. */
export function operandsOf(step: LoopStep): readonly number[] {
  return "of" in step ? step.of : [];
}

export function isReduction(op: LoopStep["op"]): op is LoopReduce {
  return (LOOP_REDUCE as readonly string[]).includes(op);
}
