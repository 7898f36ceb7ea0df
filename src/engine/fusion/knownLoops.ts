import type { Node } from "../graph/graph.ts";
import type { VectorIsa } from "../native/asm/vectorIsa.ts";
import { type FusedLoop, type LoopLimits, loopOf, memoryOf } from "./loopOf.ts";
import { slicePart } from "./slicePart.ts";

/** A loop without its nodes: which of what it reads each input is, by first use. */
interface LoopForm {
  readonly spec: FusedLoop["spec"];
  readonly inputs: readonly number[];
}

/** Loops by the form of their nodes: the blocks of a model repeat each other, so most groups were tried before. */
export class KnownLoops {
  private readonly isa: VectorIsa;
  private readonly limits: LoopLimits;
  private readonly forms = new Map<string, LoopForm | undefined>();
  private readonly texts = new Map<Node, string>();

  constructor(isa: VectorIsa, limits: LoopLimits) {
    this.isa = isa;
    this.limits = limits;
  }

  /** Like `loopOf`. */
  loopOf(nodes: readonly Node[], results: readonly Node[]): FusedLoop | undefined {
    const { key, read } = this.formOf(nodes, results);
    if (!this.forms.has(key)) {
      const loop = loopOf(nodes, results, this.isa, this.limits);
      this.forms.set(key, loop && { spec: loop.spec, inputs: loop.inputs.map((node) => read.indexOf(node)) });
      return loop;
    }
    const form = this.forms.get(key);
    return form && { spec: form.spec, inputs: form.inputs.map((index) => read[index] as Node), outputs: results };
  }

  /** Everything that decides a loop, and what the nodes read from outside, in order. */
  private formOf(nodes: readonly Node[], results: readonly Node[]): { key: string; read: Node[] } {
    const places = new Map(nodes.map((node, place) => [node, place]));
    const read: Node[] = [];
    let key = results.map((node) => places.get(node)).join();
    for (const node of nodes) {
      key += this.textOf(node);
      for (const input of node.inputs) {
        if (input.op === "fill") continue;
        const source = memoryOf(input);
        const place = places.get(source);
        if (place !== undefined) {
          key += ` ${place}`;
          continue;
        }
        key += ` from ${indexIn(read, source)}`;
        const part = source.op === "slice" ? slicePart(source) : undefined;
        if (part === undefined) continue;
        const whole = memoryOf(part.whole);
        const from = places.get(whole) ?? `outside ${indexIn(read, whole)}`;
        key += ` part ${from} ${part.start} ${part.run} ${part.pitch}`;
      }
    }
    return { key, read };
  }

  /** A node by itself: its operation, its shape, and those of its operands. */
  private textOf(node: Node): string {
    const known = this.texts.get(node);
    if (known !== undefined) return known;
    const operands = node.inputs.map((input) => [input.shape, input.op === "fill" ? input.attrs : null]);
    const text = `\n${node.op} ${JSON.stringify([node.shape, node.attrs, operands], exactly)}`;
    this.texts.set(node, text);
    return text;
  }
}

/** A node's place in a list, to which it is added if need be. */
function indexIn(list: Node[], node: Node): number {
  const known = list.indexOf(node);
  return known >= 0 ? known : list.push(node) - 1;
}

/** JSON has neither infinities nor a negative zero. */
function exactly(_: string, value: unknown): unknown {
  if (typeof value !== "number" || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return Object.is(value, -0) ? "-0" : String(value);
}
