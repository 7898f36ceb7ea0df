import { sizeOf } from "../../base/tensors.ts";
import type { Node } from "../graph/graph.ts";
import { denseStrides, sameShape } from "../graph/shapes.ts";
import type { ChainOperand, ChainSpec, ChainStage } from "../native/chain/chain.ts";
import { LOOP_DOWN, type LoopSpec } from "../native/loop/spec.ts";
import { entriesOf } from "../native/product/product.ts";
import type { FusedLoop } from "./loopOf.ts";
import type { StridedProduct } from "./strided.ts";

/** A product, the loop that reads its result, and products that read what the loop reads or writes. */
export interface Chained {
  readonly first: StridedProduct;
  readonly loop: FusedLoop;
  readonly rest: readonly StridedProduct[];
}

/** Entries that are enough for threads to share. */
const FEWEST_ENTRIES = 4;
/** Floats that an entry may keep: they should stay in the second-level cache, and lie on the stack. */
const MOST_KEPT = 256 * 1024;

/** The chain as a kernel; undefined where its parts do not share their batch. `isRead` tells what others need of it. */
export function chainOf(
  { first, loop, rest }: Chained,
  isRead: (node: Node) => boolean,
): { spec: ChainSpec; inputs: Node[]; outputs: Node[] } | undefined {
  const { shape, places, block } = entriesOf(first.spec);
  const matrix = [block.m, block.n];
  if (places.length < FEWEST_ENTRIES || isRead(first.output) || !isDense(first, 2)) return undefined;
  const entry = entryLoop(loop.spec, block.m, block.n, places.length);
  if (entry === undefined) return undefined;
  const numKept = 1 + loop.outputs.filter((node) => !isRead(node)).length;
  if (numKept * sizeOf(matrix) > MOST_KEPT) return undefined;
  const writer = new ChainWriter(places.length, block.m * block.n);
  writer.keep(first.output);
  for (const node of loop.outputs) if (!isRead(node)) writer.keep(node);
  writer.product(first);
  const written = loop.outputs.map((node) => writer.written(node, entry.wholeOffsets));
  const read = loop.inputs.map((node, i) => writer.read(node, entry.inputOffsets[i] ?? []));
  const outputs = loop.spec.outputs.map(({ step }) => ({ step, shape: matrix }));
  writer.stages.push({ kind: "loop", loop: { ...entry.loop, outputs }, operands: [...read, ...written] });
  const results = rest.map(({ output }) => output);
  for (const product of rest) {
    if (!sameShape(entriesOf(product.spec).shape, shape)) return undefined;
    if (product.inputs.some((node) => results.includes(node))) return undefined;
    writer.product(product);
  }
  return writer.finish();
}

/** Whether an operand of a product (0: a, 1: b, 2: c) is a dense tensor. */
export function isDense({ spec, output }: StridedProduct, operand: 0 | 1 | 2): boolean {
  const { walks } = spec;
  if (walks === undefined) return true;
  if (operand === 2) return sameShape(walks.c, denseStrides(output.shape));
  const [shape, strides] = operand === 0 ? [spec.a, walks.a] : [spec.b, walks.b];
  if (walks.starts !== undefined && walks.starts[operand] > 0) return false;
  return sameShape(strides, denseStrides(shape));
}

interface EntryLoop {
  readonly loop: Omit<LoopSpec, "outputs">;
  /** Floats from a tensor's start to each entry's part. */
  readonly inputOffsets: readonly (readonly number[])[];
  /** The same for tensors of the batch's matrices as they lie. */
  readonly wholeOffsets: readonly number[];
}

/** The part of a loop that goes over one entry's rows; undefined where the entries are no runs of rows. */
function entryLoop(
  { sides, inputs, starts, body, outputs }: LoopSpec,
  m: number,
  n: number,
  entries: number,
): EntryLoop | undefined {
  const rowSides = sides.slice(0, -1);
  const innermost = rowSides.at(-1) ?? 1;
  if (sides.at(-1) !== n || sizeOf(sides) !== entries * m * n || innermost % m !== 0) return undefined;
  if (outputs.some(({ shape }) => sizeOf(shape) !== entries * m * n)) return undefined;
  if (body.some(({ op }) => op === LOOP_DOWN)) return undefined;
  const all = Array.from({ length: entries }, (_, entry) => entry);
  const dense = denseStrides(rowSides);
  const startOf = (entry: number, strides: readonly number[]) =>
    rowSides.reduce((sum, side, axis) => {
      const index = Math.floor((entry * m) / (dense[axis] ?? 1)) % side;
      return sum + index * (strides[axis] ?? 0);
    }, 0);
  return {
    loop: { sides: [m, n], inputs: inputs.map((strides) => strides.slice(-2)), body },
    inputOffsets: inputs.map((strides, i) => all.map((entry) => (starts?.[i] ?? 0) + startOf(entry, strides))),
    wholeOffsets: all.map((entry) => entry * m * n),
  };
}

class ChainWriter {
  readonly stages: ChainStage[] = [];
  private readonly entries: number;
  private readonly matrixSize: number;
  private readonly kept: Node[] = [];
  /** Where the chain's own results lie that later stages may read. */
  private readonly made = new Map<Node, readonly number[]>();
  private misplaced = false;
  private readonly inputs: Node[] = [];
  private readonly outputs: Node[] = [];

  constructor(entries: number, matrixSize: number) {
    this.entries = entries;
    this.matrixSize = matrixSize;
  }

  keep(node: Node): void {
    this.kept.push(node);
  }

  product(product: StridedProduct): void {
    const { places, block } = entriesOf(product.spec);
    const [a, b] = product.inputs as [Node, Node];
    const offsets = (operand: 0 | 1 | 2) => places.map((place) => place[operand]);
    const operands = [this.read(a, offsets(0)), this.read(b, offsets(1)), this.written(product.output, offsets(2))];
    this.stages.push({ kind: "product", block, operands });
  }

  read(node: Node, offsets: readonly number[]): ChainOperand {
    const made = this.made.get(node);
    if (made !== undefined && !sameShape(made, offsets)) this.misplaced = true;
    if (this.kept.includes(node)) return { from: "kept", index: this.kept.indexOf(node) };
    if (this.outputs.includes(node)) return { from: "output", index: this.outputs.indexOf(node), offsets };
    if (!this.inputs.includes(node)) this.inputs.push(node);
    return { from: "input", index: this.inputs.indexOf(node), offsets };
  }

  written(node: Node, offsets: readonly number[]): ChainOperand {
    this.made.set(node, offsets);
    if (this.kept.includes(node)) return { from: "kept", index: this.kept.indexOf(node) };
    return { from: "output", index: this.outputs.push(node) - 1, offsets };
  }

  finish(): { spec: ChainSpec; inputs: Node[]; outputs: Node[] } | undefined {
    if (this.misplaced) return undefined;
    const { entries, inputs, outputs, stages, kept, matrixSize } = this;
    const spec = {
      numInputs: inputs.length,
      outputs: outputs.map(({ shape }) => shape),
      entries,
      kept: kept.map(() => matrixSize),
      stages,
    };
    return { spec, inputs, outputs };
  }
}
