import { sizeOf } from "../../base/tensors.ts";
import type { Graph, Node } from "../graph/graph.ts";
import type { KernelSpec } from "../native/kernelSpec.ts";
import { DEFAULT_LIMITS, type FusedLoop, type LoopLimits, loopOf, memoryOf } from "./loopOf.ts";
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
  readonly nodes: Node[];
  readonly loop: FusedLoop;
}

/**
 * Finds the kernels of a program: products, and loops that gather elementwise operations and sums along rows. Puts
 * everything in an order that works.
 */
export function planKernels(graph: Graph, limits: LoopLimits = DEFAULT_LIMITS): Item[] {
  return new Grouping(graph, limits).items();
}

class Grouping {
  private readonly graph: Graph;
  private readonly limits: LoopLimits;
  private readonly users = new Map<Node, Node[]>();
  private readonly outputs: ReadonlySet<Node>;
  private readonly groupOf = new Map<Node, Group>();
  private readonly products = new Map<Node, StridedProduct | undefined>();

  constructor(graph: Graph, limits: LoopLimits) {
    this.graph = graph;
    this.limits = limits;
    this.outputs = new Set(graph.outputs.map(({ node }) => node));
    for (const node of graph.nodes)
      for (const input of node.inputs) this.users.set(input, [...this.usersOf(input), node]);
    for (const node of graph.nodes) this.place(node);
  }

  /** Puts a node into a group: one of its operands', or one of its own; then joins groups that it connects. */
  private place(node: Node): void {
    if (this.groupOf.has(node)) return;
    const own = this.group([node, ...this.usersOf(node).filter(({ op }) => op === "part")]);
    if (own === undefined) return;
    for (const operand of node.inputs) {
      const [mine, other] = [this.groupOf.get(node), this.groupOf.get(memoryOf(operand))];
      if (mine === undefined || other === undefined || mine === other || this.closesCircle(mine, other)) continue;
      this.group([...other.nodes, ...mine.nodes].sort((a, b) => a.id - b.id));
    }
  }

  /** Makes these nodes one group, if one loop can compute them. */
  private group(nodes: Node[]): Group | undefined {
    const [first] = nodes;
    const known = first === undefined ? undefined : this.groupOf.get(first);
    if (known === undefined && (first === undefined || !this.mayLoop(first))) return undefined;
    const members = new Set(nodes);
    const results = nodes.filter((node) => this.outputs.has(node) || this.usedOutside(node, members));
    const loop = results.length === 0 ? undefined : loopOf(nodes, results, this.limits);
    if (loop === undefined) return undefined;
    const group = { nodes, loop };
    for (const node of nodes) this.groupOf.set(node, group);
    return group;
  }

  private mayLoop(node: Node): boolean {
    const largest = Math.max(sizeOf(node.shape), ...node.inputs.map(({ shape }) => sizeOf(shape)));
    return isLoopOp(node) && largest >= this.limits.elements;
  }

  /** Users see through reshapes, unless the reshape itself is an output of the program. */
  private usedOutside(node: Node, members: ReadonlySet<Node>): boolean {
    return this.usersOf(node).some((user) => {
      if (user.op !== "reshape") return !members.has(user);
      return this.outputs.has(user) || this.usedOutside(user, members);
    });
  }

  /** Whether something outside lies between two groups, so that as one they would wait for themselves. */
  private closesCircle(a: Group, b: Group): boolean {
    return this.leadsThroughOthers(a, b) || this.leadsThroughOthers(b, a);
  }

  /** Whether `to` needs `from` by way of a third. */
  private leadsThroughOthers(from: Group, to: Group): boolean {
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
    const add = (node: Node) => {
      // A loop holds uniform values itself.
      if (node.op === "fill" && !("op" in item)) return;
      const group = this.groupOf.get(node) ?? node;
      if (group !== item) needed.add(group);
    };
    if ("op" in item) for (const input of this.productAt(item)?.inputs ?? item.inputs) add(input);
    else for (const node of item.nodes) for (const input of node.inputs) add(memoryOf(input));
    return needed;
  }

  private itemOf(item: Node | Group): Item {
    if (!("op" in item)) return { kernel: { ...item.loop, spec: { kind: "loop", ...item.loop.spec } } };
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
