import { sizeOf } from "../../base/tensors.ts";
import type { Node } from "../graph/graph.ts";
import { denseStrides, sameShape } from "../graph/shapes.ts";
import type { VectorIsa } from "../native/asm/vectorIsa.ts";
import { fitsRegisters } from "../native/loop/loopKernel.ts";
import { factOf, factsOf, LOOP_DOWN, type LoopSpec, type LoopStep, type StepFacts } from "../native/loop/spec.ts";
import { slicePart, stridesInWhole } from "./slicePart.ts";
import { commonSides, mergeSides, stridesIn } from "./space.ts";
import { numDown, placesOf, rowLength, writeSteps } from "./steps.ts";

/** A group of nodes as one loop. */
export interface FusedLoop {
  readonly spec: LoopSpec;
  /** What it reads, in the order of the spec's inputs. */
  readonly inputs: readonly Node[];
  /** The nodes whose values it writes. */
  readonly outputs: readonly Node[];
}

/** What is too small to be worth a loop. */
export interface LoopLimits {
  /** Elements of a node's largest tensor. */
  readonly elements: number;
  /** Columns of a row. */
  readonly columns: number;
}

export const DEFAULT_LIMITS: LoopLimits = { elements: 4096, columns: 8 };

/** The longest row of a loop that is free to choose. */
const MOST_COLUMNS = 4096;

/** The node whose memory a node's value lies in: reshapes change nothing there. */
export function memoryOf(node: Node): Node {
  const [source] = node.inputs;
  return node.op === "reshape" && source !== undefined ? memoryOf(source) : node;
}

/** Nodes, in order, as one loop that writes `results`; undefined where one loop cannot do it. */
export function loopOf(
  nodes: readonly Node[],
  results: readonly Node[],
  isa: VectorIsa,
  limits: LoopLimits,
): FusedLoop | undefined {
  const given = nodes.map(rowsOf);
  const columns = onlyValue(given.map((rows) => rows.columns));
  const rows = onlyValue(given.map((rows) => rows.rows));
  if (columns === "several" || rows === "several") return undefined;
  const places = Math.max(
    ...nodes
      .flatMap((node, i) => [node, ...(given[i]?.columns === undefined ? [] : [firstInput(node)])])
      .map(({ shape }) => sizeOf(shape)),
  );
  const shapes = nodes.map((node) => placesOf(node, columns, places));
  if (shapes.some((shape) => sizeOf(shape) !== places)) return undefined;
  const sides = commonSides(columns === undefined ? shapes : [...shapes, [columns]]);
  if (sides === undefined || (columns !== undefined && sides.at(-1) !== columns)) return undefined;
  if (rows !== undefined && sides.at(-2) !== rows) return undefined;
  const writer = new LoopWriter(sides, { columns, rows }, places, new Set(nodes));
  for (const node of nodes) if (!writer.write(node)) return undefined;
  return writer.finish(results, isa, limits);
}

/** What a loop's sides must be so that a node's sums run along its rows or down its columns. */
interface Rows {
  readonly columns: number | undefined;
  readonly rows: number | undefined;
}

function rowsOf(node: Node): Rows {
  const rows = numDown(node);
  return { columns: rows === undefined ? rowLength(node) : node.shape.at(-1), rows };
}

function onlyValue(values: readonly (number | undefined)[]): number | undefined | "several" {
  const [only, ...others] = new Set(values.filter((value) => value !== undefined));
  return others.length > 0 ? "several" : only;
}

function firstInput(node: Node): Node {
  const [input] = node.inputs;
  if (input === undefined) throw new Error(`${node.op} has no input`);
  return input;
}

class LoopWriter {
  private readonly sides: readonly number[];
  private readonly rows: Rows;
  private readonly places: number;
  private readonly members: ReadonlySet<Node>;
  private readonly body: LoopStep[] = [];
  /** The step that holds a member's value. */
  private readonly steps = new Map<Node, number>();
  private readonly partSteps = new Map<Node, readonly number[]>();
  private readonly inputs: { node: Node; step: number; start: number }[] = [];
  /** Of the inputs, in their order. */
  private readonly strides: number[][] = [];
  private readonly facts: StepFacts[] = [];
  private readonly known = new Map<string, number>();
  private broken = false;

  constructor(sides: readonly number[], rows: Rows, places: number, members: ReadonlySet<Node>) {
    this.sides = sides;
    this.rows = rows;
    this.places = places;
    this.members = members;
  }

  /** False where the node's operands do not lie as a loop needs them. */
  write(node: Node): boolean {
    if (node.op === "part") {
      const step = this.partSteps.get(firstInput(node))?.[node.attrs.index];
      if (step === undefined) return false;
      this.steps.set(node, step);
      return true;
    }
    const parts = writeSteps(node, {
      add: (step) => this.add(step),
      operand: (user, index) => this.operand(user, index),
    });
    this.steps.set(node, parts[0] as number);
    this.partSteps.set(node, parts);
    return !this.broken;
  }

  private add(step: LoopStep): number {
    const key = keyOf(step);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    this.facts.push(factOf(step, { inputs: this.strides, body: this.body }, this.facts));
    const id = this.body.push(step) - 1;
    this.known.set(key, id);
    return id;
  }

  private operand(user: Node, index: number): number {
    const read = user.inputs[index] as Node;
    if (read.op === "fill") return this.add({ op: "constant", value: read.attrs.value });
    const node = memoryOf(read);
    const strides = this.stridesOf(user, index, read);
    if (!this.members.has(node)) return this.read(node, strides);
    const step = this.steps.get(node) ?? 0;
    if (this.body[step]?.op === LOOP_DOWN) this.broken = true;
    const isRow = this.facts[step]?.extent !== "place";
    const dense = isRow ? [...denseStrides(this.sides.slice(0, -1)), 0] : denseStrides(this.sides);
    // Sides of 1 have no stride to compare.
    if (!sameShape(strides, dense)) this.broken = true;
    return step;
  }

  private stridesOf(user: Node, index: number, read: Node): number[] {
    const length = rowLength(user);
    if (length === undefined) return stridesIn(this.sides, placesOf(user, this.rows.columns, this.places), read.shape);
    const rows = firstInput(user).shape;
    if (sizeOf(rows) !== this.places) {
      this.broken = true;
      return this.sides.map(() => 0);
    }
    if (user.op === "rotary" && index > 0) return this.stridesOfTable(rows);
    // Weights of a product with one column, gains and shifts: one for each column.
    return index === 0 ? stridesIn(this.sides, rows, rows) : stridesIn(this.sides, rows, [length]);
  }

  /** A rotary table has half a row for each token; every head reads it. */
  private stridesOfTable([tokens = 1, heads = 1, width = 1]: readonly number[]): number[] {
    const strides = stridesIn(this.sides, [tokens, heads, width], [tokens, 1, width]);
    return strides.map((stride, axis) => (axis === strides.length - 1 ? stride : stride / 2));
  }

  /** A slice is read where it lies; not by the loop that computes what it was cut from. */
  private read(node: Node, strides: number[]): number {
    const part = node.op === "slice" ? slicePart(node) : undefined;
    const inWhole = part && stridesInWhole(this.sides, strides, part);
    if (part === undefined || inWhole === undefined) return this.input(node, strides, 0);
    const whole = memoryOf(part.whole);
    if (this.members.has(whole)) this.broken = true;
    return this.input(whole, inWhole, part.start);
  }

  private input(node: Node, strides: number[], start: number): number {
    const known = this.inputs.find(
      (input, i) => input.node === node && input.start === start && sameShape(this.strides[i] ?? [], strides),
    );
    if (known !== undefined) return known.step;
    const input = this.strides.push(strides) - 1;
    const step = this.add({ op: "input", input });
    this.inputs.push({ node, step, start });
    return step;
  }

  finish(results: readonly Node[], isa: VectorIsa, limits: LoopLimits): FusedLoop | undefined {
    const { columns, rows: down } = this.rows;
    const merged = mergeSides(this.sides, this.strides, down === undefined ? (columns === undefined ? 0 : 1) : 2);
    // Sums down the rows have an outermost side, if only of 1.
    const alone = down !== undefined && merged.sides.length === 2;
    const rows = blocked({
      sides: alone ? [1, ...merged.sides] : merged.sides,
      inputs: alone ? merged.tensors.map((strides) => [0, ...strides]) : merged.tensors,
      body: this.body,
      outputs: results.map((node) => ({ step: this.steps.get(node) ?? 0, shape: node.shape })),
    });
    if ((rows.sides.at(-1) ?? 0) < limits.columns || !hasRightExtents(rows)) return undefined;
    if (!fitsRegisters(rows, isa)) return undefined;
    const starts = this.inputs.map(({ start }) => start);
    const spec = starts.some((start) => start > 0) ? { ...rows, starts } : rows;
    return { spec, inputs: this.inputs.map(({ node }) => node), outputs: results };
  }
}

/** Equal for steps that compute the same: constants are 32-bit floats, and sums and products may be turned round. */
function keyOf(step: LoopStep): string {
  if (step.op === "constant") return `constant ${Math.fround(step.value)}`;
  if (step.op === "add" || step.op === "mul") return `${step.op} ${step.of.toSorted((a, b) => a - b)}`;
  return JSON.stringify(step);
}

/** A loop over one long side becomes rows, so that it can be shared out. */
function blocked(spec: LoopSpec): LoopSpec {
  const [only = 1] = spec.sides;
  if (spec.sides.length > 1) return spec;
  let columns = Math.min(only, MOST_COLUMNS);
  while (only % columns !== 0) columns--;
  const inputs = spec.inputs.map(([stride = 0]) => [stride * columns, stride]);
  return { ...spec, sides: [only / columns, columns], inputs };
}

/** An output has one number for each place, or one for each row. */
function hasRightExtents(spec: LoopSpec): boolean {
  const facts = factsOf(spec);
  const places = sizeOf(spec.sides);
  return spec.outputs.every(({ step, shape }) => {
    const extent = facts[step]?.extent;
    if (extent === "column") return sizeOf(shape) * (spec.sides.at(-2) ?? 0) === places;
    if (extent === "place") return sizeOf(shape) === places && spec.body[step]?.op !== "input";
    return extent === "row" && sizeOf(shape) * (spec.sides.at(-1) ?? 1) === places;
  });
}
