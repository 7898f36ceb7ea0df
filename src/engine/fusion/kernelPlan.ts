import { sizeOf } from "../../base/tensors.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { sameShape } from "../graph/shapes.ts";
import type { VectorIsa } from "../native/asm/vectorIsa.ts";
import type { KernelSpec } from "../native/kernelSpec.ts";
import { chainOf, isDense } from "./chainOf.ts";
import { KnownLoops } from "./knownLoops.ts";
import { DEFAULT_LIMITS, type FusedLoop, type LoopLimits, memoryOf } from "./loopOf.ts";
import { isLoopOp } from "./steps.ts";
import { productOf, type StridedProduct } from "./strided.ts";

/** A native kernel, what it reads, and the nodes whose values it writes. */
export interface PlannedKernel {
  readonly spec: KernelSpec;
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
}

/** One item of a program's order: a node for ONNX Runtime, or a kernel of our own that does one or many. */
export type Item = { readonly node: Node } | { readonly kernel: PlannedKernel };

/** Nodes that are computed together. */
interface Group {
  readonly nodes: readonly Node[];
  readonly kernel: PlannedKernel;
  /** The kernel, where it is a loop. */
  readonly loop: FusedLoop | undefined;
}

/**
 * Finds the kernels of a program: products, loops that gather elementwise operations and sums along rows, and chains of
 * both, as far as the registers of an instruction set suffice. Puts everything in an order that works.
 */
export function planKernels(graph: Graph, isa: VectorIsa, limits: LoopLimits = DEFAULT_LIMITS): Item[] {
  return new Grouping(graph, isa, limits).items();
}

class Grouping {
  private readonly graph: Graph;
  private readonly limits: LoopLimits;
  private readonly loops: KnownLoops;
  private readonly users = new Map<Node, Node[]>();
  private readonly outputs: ReadonlySet<Node>;
  private readonly groupOf = new Map<Node, Group>();
  private readonly products = new Map<Node, StridedProduct | undefined>();

  constructor(graph: Graph, isa: VectorIsa, limits: LoopLimits) {
    this.graph = graph;
    this.limits = limits;
    this.loops = new KnownLoops(isa, limits);
    this.outputs = new Set(graph.outputs.map(({ node }) => node));
    for (const node of graph.nodes) {
      for (const input of node.inputs) {
        const users = this.users.get(input);
        if (users === undefined) this.users.set(input, [node]);
        else users.push(node);
      }
    }
    for (const node of graph.nodes) this.place(node);
    for (const group of new Set(this.groupOf.values())) this.chain(group);
  }

  /** Puts a node into a group: one of its operands', or one of its own; then joins groups that it connects. */
  private place(node: Node): void {
    if (this.groupOf.has(node) || !isLoopOp(node)) return;
    this.group([node, ...this.usersOf(node).filter(({ op }) => op === "part")]);
    // What is too small for a loop of its own, such as one number for each row, may still join one.
    for (const operand of node.inputs) {
      const [mine, other] = [this.groupOf.get(node) ?? node, this.groupOf.get(memoryOf(operand))];
      if (other === undefined || mine === other || this.closesCircle(mine, other)) continue;
      this.group([...other.nodes, ...("op" in mine ? [mine] : mine.nodes)].sort((a, b) => a.id - b.id));
    }
  }

  /** Makes these nodes one group, if one loop can compute them. */
  private group(nodes: Node[]): Group | undefined {
    const [first] = nodes;
    const known = first === undefined ? undefined : this.groupOf.get(first);
    if (known === undefined && (first === undefined || !this.mayLoop(first))) return undefined;
    const members = new Set(nodes);
    const results = nodes.filter((node) => this.outputs.has(node) || this.usedOutside(node, members));
    const loop = results.length === 0 ? undefined : this.loops.loopOf(nodes, results);
    if (loop === undefined) return undefined;
    const group = { nodes, loop, kernel: { ...loop, spec: { kind: "loop", ...loop.spec } } as const };
    for (const node of nodes) this.groupOf.set(node, group);
    return group;
  }

  /** Makes a loop, the product before it and products after it one chain, if they share their batch. */
  private chain({ nodes, loop }: Group): void {
    if (loop === undefined) return;
    for (const source of loop.inputs) {
      const first = this.productAt(source);
      if (first === undefined || this.groupOf.has(source) || this.usedOutside(source, new Set(nodes))) continue;
      const near = [...loop.inputs, ...loop.outputs].filter(({ shape }) => sameShape(shape, source.shape));
      const members: Node[] = [source, ...nodes];
      const rest: StridedProduct[] = [];
      for (const product of near.flatMap((node) => this.productsReading(node))) {
        const grown = [...members, product.output];
        if (members.includes(product.output) || this.isCircle(grown)) continue;
        members.push(product.output);
        rest.push(product);
      }
      const isRead = (node: Node) => this.outputs.has(node) || this.usedOutside(node, this.covered(members));
      const chain = rest.length === 0 ? undefined : chainOf({ first, loop, rest }, isRead);
      if (chain === undefined) continue;
      const { spec, ...tensors } = chain;
      members.sort((a, b) => a.id - b.id);
      const group = {
        nodes: members,
        kernel: { spec: { kind: "chain", ...spec }, ...tensors },
        loop: undefined,
      } as const;
      for (const node of members) this.groupOf.set(node, group);
      return;
    }
  }

  /** Products that read a whole tensor as it lies, alone or with the transpose of their result. */
  private productsReading(node: Node): StridedProduct[] {
    return this.usersOf(node).flatMap((user) => {
      if (user.op !== "matmul") return [];
      const [only, ...others] = this.usersOf(user);
      const moved = others.length === 0 && only?.op === "transpose" ? only : user;
      const [item, product] = [moved, this.productAt(moved) ?? this.productAt(user)];
      if (product === undefined || this.groupOf.has(item) || this.groupOf.has(product.output)) return [];
      const isWhole = product.inputs.every((input, i) => input !== node || isDense(product, i === 0 ? 0 : 1));
      return isWhole && product.inputs.includes(node) ? [product] : [];
    });
  }

  /** Members of a chain and the products whose transposes they are. */
  private covered(members: readonly Node[]): Set<Node> {
    return new Set(members.flatMap((node) => (node.op === "transpose" ? [node, ...node.inputs] : [node])));
  }

  /** Whether one of these nodes needs another by way of something that is none of them. */
  private isCircle(members: readonly Node[]): boolean {
    const inside = new Set<Node | Group>(members.map((node) => this.groupOf.get(node) ?? node));
    const first = Math.min(...members.map(({ id }) => id));
    const seen = new Set<Node | Group>();
    const waiting = [...inside].flatMap((item) => [...this.needs(item)]).filter((item) => !inside.has(item));
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
      if (inside.has(item)) return true;
      if (seen.has(item) || lastId(item) < first) continue;
      seen.add(item);
      waiting.push(...this.needs(item));
    }
    return false;
  }

  private mayLoop(node: Node): boolean {
    const largest = Math.max(sizeOf(node.shape), ...node.inputs.map(({ shape }) => sizeOf(shape)));
    return largest >= this.limits.elements;
  }

  /** Users see through reshapes, unless the reshape itself is an output of the program. */
  private usedOutside(node: Node, members: ReadonlySet<Node>): boolean {
    return this.usersOf(node).some((user) => {
      if (user.op !== "reshape") return !members.has(user);
      return this.outputs.has(user) || this.usedOutside(user, members);
    });
  }

  /** Whether something outside lies between two groups, so that as one they would wait for themselves. */
  private closesCircle(a: Node | Group, b: Node | Group): boolean {
    return this.leadsThroughOthers(a, b) || this.leadsThroughOthers(b, a);
  }

  /** Whether `to` needs `from` by way of a third. */
  private leadsThroughOthers(from: Node | Group, to: Node | Group): boolean {
    const seen = new Set<Node | Group>([to]);
    const waiting: (Node | Group)[] = [...this.needs(to)].filter((need) => need !== from);
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
      if (item === from) return true;
      if (seen.has(item) || lastId(item) < firstId(from)) continue;
      seen.add(item);
      waiting.push(...this.needs(item));
    }
    return false;
  }

  /** The groups and single nodes that must be computed before. */
  private needs(item: Node | Group): Set<Node | Group> {
    const needed = new Set<Node | Group>();
    const inputs = "op" in item ? (this.productAt(item)?.inputs ?? item.inputs) : item.kernel.inputs;
    for (const input of inputs) {
      const other = this.groupOf.get(input) ?? input;
      if (other !== item) needed.add(other);
    }
    return needed;
  }

  private itemOf(item: Node | Group): Item {
    if (!("op" in item)) return { kernel: item.kernel };
    const product = this.productAt(item);
    if (product === undefined) return { node: item };
    const { spec, inputs, output } = product;
    return { kernel: { spec: { kind: "product", ...spec }, inputs, outputs: [output] } };
  }

  private productAt(node: Node): StridedProduct | undefined {
    if (!this.products.has(node))
      this.products.set(
        node,
        productOf(node, (read) => this.isReadOnce(read)),
      );
    return this.products.get(node);
  }

  private isReadOnce(node: Node): boolean {
    return this.usersOf(node).length === 1 && !this.outputs.has(node);
  }

  private usersOf(node: Node): Node[] {
    return this.users.get(node) ?? [];
  }

  /** Everything that the outputs need, needs first, otherwise in the graph's order. */
  items(): Item[] {
    const items: Item[] = [];
    const done = new Set<Node | Group>();
    const visit = (item: Node | Group): void => {
      if (done.has(item)) return;
      done.add(item);
      const needs = [...this.needs(item)];
      for (const need of needs.sort((a, b) => firstId(a) - firstId(b))) visit(need);
      items.push(this.itemOf(item));
    };
    for (const input of this.graph.inputs) visit(input);
    for (const { node } of this.graph.outputs) visit(this.groupOf.get(node) ?? node);
    return items;
  }
}

function lastId(item: Node | Group): number {
  return "op" in item ? item.id : (item.nodes.at(-1)?.id ?? 0);
}

function firstId(item: Node | Group): number {
  return "op" in item ? item.id : (item.nodes[0]?.id ?? 0);
}
